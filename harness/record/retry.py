"""What becomes of a request to the record that fails: it waits while the server is away, and else says why.

A method is tried again as a whole, so it must come to the same when it is run twice: a request may have been served
although its answer was lost.
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

LONGEST = 15 * 60.0  # seconds that a server may be away
PAUSE = 5.0  # between two tries
BUSY = (408, 429)  # of HTTP: come again later
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class Persistent(Protocol):
    """What is asked of an object whose methods read or write a record."""

    tell: Callable[[str], None]  # is told what is waited for
    is_silent: bool  # whether that was told, by whichever of the requests that stand in each other, and nothing since

    @property
    def address(self) -> str:
        """Of the record."""

    @property
    def meanwhile(self) -> str:
        """What happens while it does not answer."""

    def check(self) -> None:
        """Before each try; raises an error that ends all tries."""

    def forget(self) -> None:
        """After a try that has failed: whether it was served is not known."""


P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Persistent)


def patient(method: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
    """Decorator for a method that reads or writes a record.

    Raises:
        Rejected: the store does not take it.
        UserError: the server stays away, a disk is full or may not be written, or another driver has taken over.
    """

    @wraps(method)
    def tried(record: W, *args: P.args, **kwargs: P.kwargs) -> T:
        until = time.monotonic() + LONGEST
        is_told = False
        while True:
            record.check()
            try:
                result = method(record, *args, **kwargs)
            except UserError:
                raise
            except Exception as error:
                _give_up_unless_away(error, record, until)
                record.forget()
            else:
                if is_told:
                    record.is_silent = False
                    record.tell("the record answers again")
                return result
            if not record.is_silent:
                record.is_silent = is_told = True
                record.tell(f"the record {record.address} does not answer; {record.meanwhile}")
            time.sleep(PAUSE)

    return tried


def _give_up_unless_away(error: Exception, record: Persistent, until: float) -> None:
    again = "give the same command again then: it goes on where it stopped"
    if is_disk_full(error):
        raise UserError(f"there is no space left for the record {record.address}; free some, and {again}.") from error
    forbidden = _forbidden(error)
    if forbidden is not None:
        raise UserError(
            f"{forbidden or record.address} may not be written by you; ask its owner, or record elsewhere with "
            f"--results or --tracking-uri."
        ) from error
    if not is_away(error):
        if isinstance(error, MlflowException | requests.RequestException):
            raise Rejected(f"the record {record.address} says no: {masked(cause_of(error))}") from error
        raise error
    if time.monotonic() > until:
        raise UserError(
            f"the record {record.address} has not answered for {LONGEST / 60:.0f} minutes; start it again, and {again}."
        ) from error


def _forbidden(error: BaseException) -> str | None:
    """The file that may not be written, "" if it is not named; None if an exception says nothing like it."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in FORBIDDEN:
            return str(each.filename or "")
        if "attempt to write a readonly database" in str(each):  # SQLite's words
            return ""
    return None


def is_away(error: Exception) -> bool:
    """Whether an exception says that a server could not be reached or could not serve, or a database was locked."""
    status = status_of(error)
    if status is not None:
        return status >= 500 or status in BUSY
    text = str(error)
    if isinstance(error, MlflowException) and re.search("API request to .* failed with (exception|timeout)", text):
        return True
    lost = (ConnectionError, TimeoutError, requests.ConnectionError, requests.Timeout)
    return "database is locked" in text or isinstance(error, lost)


def status_of(error: Exception) -> int | None:
    """The HTTP status with which a server has answered, if an exception tells of one."""
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
