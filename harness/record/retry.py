"""Retry requests to the record while its server is unreachable; raise an error of one sentence otherwise.

A method is retried as a whole, so running it twice must have the same effect as once: the server may have carried out a
request whose response was lost.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import requests
from mlflow.exceptions import MlflowException, RestException

from harness.errors import Rejected, UserError, cause_of, is_disk_full
from harness.record.masking import masked

MAX_OUTAGE_SECONDS = 15 * 60.0
PAUSE_SECONDS = 5.0  # between two attempts
BUSY_STATUSES = (408, 429)  # of HTTP: request timeout, too many requests
FORBIDDEN_ERRNOS = (errno.EACCES, errno.EPERM, errno.EROFS)


class Retrying(Protocol):
    """An object whose methods read or write a record and are retried."""

    notify: Callable[[str], None]  # called with a line when the record stops responding, and when it responds again
    is_waiting: bool  # whether `notify` has been called since the record last responded; retried methods may be nested

    @property
    def tracking_uri(self) -> str:
        """Where the record is."""

    @property
    def while_waiting(self) -> str:
        """Say what the program does while the record does not respond."""

    def ensure_lease(self) -> None:
        """Called before each attempt; an error that it raises ends the retries."""

    def invalidate(self) -> None:
        """Called after a failed attempt: drop cached state, as the request may or may not have been carried out."""


P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Retrying)


def retried(method: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
    """Decorate a method that reads or writes a record: it is retried for up to `MAX_OUTAGE_SECONDS`.

    Raises:
        Rejected: the store refuses the request.
        UserError: the server stays unreachable, a disk is full or read-only, or another driver has taken over.
    """

    @wraps(method)
    def with_retries(record: W, *args: P.args, **kwargs: P.kwargs) -> T:
        until = time.monotonic() + MAX_OUTAGE_SECONDS
        has_notified = False
        while True:
            record.ensure_lease()
            try:
                result = method(record, *args, **kwargs)
            except UserError:
                raise
            except Exception as error:
                _give_up_unless_away(error, record, until)
                record.invalidate()
            else:
                if has_notified:
                    record.is_waiting = False
                    record.notify("the record answers again")
                return result
            if not record.is_waiting:
                record.is_waiting = has_notified = True
                record.notify(f"the record {record.tracking_uri} does not answer; {record.while_waiting}")
            time.sleep(PAUSE_SECONDS)

    return with_retries


def _give_up_unless_away(error: Exception, record: Retrying, until: float) -> None:
    again = "give the same command again then: it resumes where it stopped"
    if is_disk_full(error):
        raise UserError(
            f"there is no space left for the record {record.tracking_uri}; free some, and {again}."
        ) from error
    forbidden = _forbidden(error)
    if forbidden is not None:
        raise UserError(
            f"{forbidden or record.tracking_uri} may not be written by you; ask its owner, or record elsewhere with "
            f"--results or --tracking-uri."
        ) from error
    if not is_away(error):
        if isinstance(error, MlflowException | requests.RequestException):
            raise Rejected(f"the record {record.tracking_uri} says no: {masked(cause_of(error))}") from error
        raise error
    if time.monotonic() > until:
        raise UserError(
            f"the record {record.tracking_uri} has not answered for {MAX_OUTAGE_SECONDS / 60:.0f} minutes; start it "
            f"again, and {again}."
        ) from error


def _forbidden(error: BaseException) -> str | None:
    """Return the file that may not be written, "" if the error names none; None if it is another kind of error."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in FORBIDDEN_ERRNOS:
            return str(each.filename or "")
        if "attempt to write a readonly database" in str(each):  # SQLite's words
            return ""
    return None


def is_away(error: Exception) -> bool:
    """Whether the server was unreachable or overloaded, or the database locked, so that a retry may succeed."""
    status = status_of(error)
    if status is not None:
        return status >= 500 or status in BUSY_STATUSES
    text = str(error)
    if isinstance(error, MlflowException) and re.search("API request to .* failed with (exception|timeout)", text):
        return True
    lost = (ConnectionError, TimeoutError, requests.ConnectionError, requests.Timeout)
    return "database is locked" in text or isinstance(error, lost)


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that an exception carries; None if it carries none."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return int(error.response.status_code)
    if isinstance(error, RestException):
        return int(error.get_http_status_code())
    if not isinstance(error, MlflowException):
        return None
    words = r"failed with error code (\d{3})|(\d{3}) (?:Server|Client) Error"  # of a request, of a download
    found = re.search(words, str(error))
    return int(found[1] or found[2]) if found else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
