"""HTTP downloads that resume after a broken connection and give up quickly on a machine without a network."""

from __future__ import annotations

import http.client
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

CONNECT_SECONDS = 4.0  # short, since mirrors are tried in turn
READ_SECONDS = 30.0  # without a byte
ATTEMPTS = 4
CHUNK = 1 << 18


class DownloadFailed(Exception):
    """A download failed; the message says why, in a few words."""


class Unreachable(DownloadFailed):
    """The server cannot be reached or does not answer."""


def download(url: str, path: Path, progress: Callable[[str], None], *, limit: int) -> None:
    """Download a URL to a file, which appears only when it is complete.

    The bytes received before the connection breaks are kept in `.part` beside it, and the next attempt, in this call
    or in a later one, requests the rest.

    Arguments:
        progress: called at most once a second with a line for the user.
        limit: bytes; a longer response is refused, as it cannot be the expected file.

    Raises:
        Unreachable: the server does not answer.
        DownloadFailed: the server refuses, the response is too long, or the connection breaks repeatedly.
        OSError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    for attempt in range(ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        if _attempt(url, part, before, progress, limit):
            os.replace(part, path)
            return
        came = part.stat().st_size - before if part.exists() else 0
        if came <= 0 and attempt > 0:
            break
    raise DownloadFailed(f"{url} broke off before its end")


def _attempt(url: str, part: Path, have: int, progress: Callable[[str], None], limit: int) -> bool:
    """Make one request; whether the part file is complete after it."""
    response = _open(url, have)
    if response is None:  # the part is complete or longer, so that it is of another file
        part.unlink(missing_ok=True)
        return False
    with response:
        resumed = response.status == 206
        length = response.headers.get("Content-Length")
        start = have if resumed else 0
        total = start + int(length) if length and length.isdigit() else None
        if (total or 0) > limit:
            raise DownloadFailed(f"{url} is {total:,} bytes, more than the {limit:,} it can have")
        with open(part, "ab" if resumed else "wb") as file:
            reached = _copy(response, file, _Meter(url, start, total, progress), limit)
    return reached is not None and total in (None, reached)


def _copy(response: http.client.HTTPResponse, file: BinaryIO, meter: _Meter, limit: int) -> int | None:
    """Append the body to the file; returns the size reached, or None if the connection broke."""
    while True:
        try:
            chunk = response.read(CHUNK)
        except http.client.IncompleteRead as error:
            file.write(error.partial)
            return None
        except (TimeoutError, ConnectionError, http.client.HTTPException):
            return None
        if not chunk:
            return meter.reached
        file.write(chunk)
        meter.add(len(chunk))
        if meter.reached > limit:
            raise DownloadFailed(f"{meter.url} is more than the {limit:,} bytes it can have")


class _Meter:
    """Counts bytes and reports progress at most once a second."""

    def __init__(self, url: str, start: int, total: int | None, progress: Callable[[str], None]) -> None:
        self.url, self.reached, self.total, self.progress = url, start, total, progress
        self.said = time.monotonic()

    def add(self, count: int) -> None:
        self.reached += count
        if time.monotonic() - self.said >= 1:
            self.said = time.monotonic()
            whole = f" of {self.total / 1e6:.1f}" if self.total else ""
            self.progress(f"{self.url}: {self.reached / 1e6:.1f}{whole} MB")


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """The response to a request for the bytes from `have` on; None if the server has none."""
    headers = {"User-Agent": "capsule-harness", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        return _within(CONNECT_SECONDS, lambda: urllib.request.urlopen(request, timeout=READ_SECONDS))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        raise DownloadFailed(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{url} cannot be reached ({getattr(error, 'reason', error)})") from error


def _within(seconds: float, call: Callable[[], http.client.HTTPResponse]) -> http.client.HTTPResponse:
    """The result of a call, or TimeoutError.

    A socket's timeout covers neither the DNS lookup nor several addresses of a host tried in turn, so the call runs in
    a daemon thread, which is abandoned when it takes too long.
    """
    answer: queue.SimpleQueue[http.client.HTTPResponse | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put(call())
        except BaseException as error:
            answer.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer in {seconds:g} s") from None
    if isinstance(result, BaseException):
        raise result
    return result
