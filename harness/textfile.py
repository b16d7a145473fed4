"""Read text files that a user has named, within limits: no device, no endless pipe, nothing too large."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path

from harness.errors import UserError

PIPE_TIMEOUT = 60.0  # seconds without data until a pipe is given up


def read_text(path: Path, largest: int, *, may_be_pipe: bool = False) -> str:
    """Return the UTF-8 text of a file of up to `largest` bytes, or of a pipe if that is allowed.

    Raises:
        UserError: no such file, neither a file nor an allowed pipe, not readable, too large, or not UTF-8.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would block
        try:
            content = _read(number, path, largest, may_be_pipe)
        finally:
            os.close(number)
    except (OSError, ValueError) as error:  # the latter for a name with a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot read {path}: {reason}; name an existing YAML file.") from None
    if len(content) > largest:
        raise UserError(f"{path} has more than {largest:,} bytes; a suite may have up to {largest:,}.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; name a YAML file.") from None


def is_pipe(path: Path) -> bool:
    """Return whether a path is a pipe, such as /dev/stdin or the shell's <(command)."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _read(number: int, path: Path, largest: int, may_be_pipe: bool) -> bytes:
    """Read an open file, up to one byte more than allowed."""
    status = os.fstat(number)
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(None, "Is a directory")
    if not stat.S_ISREG(mode) and not (may_be_pipe and stat.S_ISFIFO(mode)):
        raise OSError(None, "it is not a regular file")
    if stat.S_ISREG(mode) and status.st_size > largest:
        raise UserError(f"{path} has {status.st_size:,} bytes; a suite may have up to {largest:,}.")
    content = b""
    while len(content) <= largest:
        if stat.S_ISFIFO(mode):
            _await(number)
        part = os.read(number, largest + 1 - len(content))
        if not part:
            break
        content += part
    return content


def _await(number: int) -> None:
    """Wait until a pipe has something to read or its writers are gone."""
    poll, end = select.poll(), time.monotonic() + PIPE_TIMEOUT
    poll.register(number, select.POLLIN)
    while not poll.poll(1000):
        if time.monotonic() > end:
            raise OSError(None, f"nothing has come through the pipe for {PIPE_TIMEOUT:.0f} s")
