"""Make standard output and standard error survive the loss of their readers, and keep data alone on stdout."""

from __future__ import annotations

import codecs
import errno
import io
import locale
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from harness.errors import UserError
from harness.plugins.foreign_code import stdout_to_stderr

if TYPE_CHECKING:
    from typing_extensions import Buffer

GONE = (errno.EPIPE, errno.EIO, errno.EBADF)  # a closed pipe, a terminal that was hung up, a closed descriptor
READER_TIMEOUT = 10.0  # seconds that progress waits for its reader
NEAREST = dict(zip("×·–−─’░▒▓█", "x----'.:+#", strict=True))
NEAREST |= {"±": "+/-", "≤": "<=", "≥": ">=", "…": "...", "→": "->"}


class _Lenient(io.RawIOBase):
    """A descriptor whose failing writes are dropped, so that work continues when nobody reads it.

    Arguments:
        timeout: seconds that a write waits for a reader that has stopped, such as a pager, before it is dropped;
            None waits for ever. After the first that is dropped, none waits until the reader reads again.
    """

    def __init__(self, number: int, timeout: float | None = None) -> None:
        self.number, self.timeout = number, timeout
        self.error: OSError | None = None
        self._has_stopped = False

    def writable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def fileno(self) -> int:
        """See `io.RawIOBase`."""
        return self.number

    def isatty(self) -> bool:
        """See `io.RawIOBase`."""
        return os.isatty(self.number)

    def write(self, data: Buffer, /) -> int:
        """Write, or remember why it can't be; the data count as written either way."""
        size = memoryview(data).nbytes
        while self._is_writable():
            try:
                return os.write(self.number, memoryview(data)[: select.PIPE_BUF])  # more could block all the same
            except BlockingIOError:  # another program has made the descriptor so
                continue
            except OSError as error:
                self.error = error
                return size
        return size

    def _is_writable(self) -> bool:
        poll = select.poll()
        poll.register(self.number, select.POLLOUT)
        wait = None if self.timeout is None else 0 if self._has_stopped else self.timeout * 1000
        self._has_stopped = not poll.poll(wait)
        return not self._has_stopped


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding does not have by what comes nearest in ASCII."""
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    near = (NEAREST.get(each) or unicodedata.normalize("NFKD", each)[0] for each in found)
    return "".join(each if each.isascii() else "?" for each in near), error.end


codecs.register_error("harness.nearest", _nearest)


def outlive_readers() -> None:
    """Make the standard streams such that a write never fails and no text is refused by their encoding.

    Descriptors that are closed are opened on the null device; else the next file, such as the record, would take
    their number, and with it what others write to them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    for name, number in (("stdout", 1), ("stderr", 2)):
        given: TextIO | None = getattr(sys, name)
        if given is getattr(sys, f"__{name}__"):  # else somebody has redirected it on purpose
            setattr(sys, name, _lenient(number, given))


def _lenient(number: int, given: TextIO | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_Lenient(number, READER_TIMEOUT if number == 2 else None)),
        encoding=given.encoding if given is not None else locale.getpreferredencoding(False),
        errors="harness.nearest",
        line_buffering=number == 2 or os.isatty(number),
        write_through=bool(getattr(given, "write_through", False)),
    )


def _raw(stream: TextIO) -> _Lenient | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Lenient) else None


@contextmanager
def standard_output(*, alone: bool = False) -> Iterator[TextIO]:
    """Give standard output for what a command shows.

    Arguments:
        alone: whether it gets data that a program reads, in UTF-8: what anybody else prints meanwhile goes to
            standard error.

    Raises:
        UserError: what was written could not be kept, as where a disk is full. A reader that went away is none.
    """
    out = sys.stdout
    if alone:
        data = io.StringIO()
        with stdout_to_stderr():
            yield data
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(encoding="utf-8")
        out.write(data.getvalue())
    else:
        yield out
    out.flush()
    raw = _raw(out)
    if raw is not None and raw.error is not None and raw.error.errno not in GONE:
        raise UserError(f"cannot write to standard output: {raw.error.strerror}; what is there is not complete.")
