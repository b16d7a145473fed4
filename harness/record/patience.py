"""What becomes of a write to the record that fails: it waits while the server is away, and else says why in a sentence.

A method is tried again as a whole, so it must come to the same when it is run twice: a request may have been served
although its answer was lost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mlflow.exceptions import MlflowException, RestException

from harness.errors import UserError, is_disk_full

LONGEST = 15 * 60.0  # seconds that a server may be away
PAUSE = 5.0  # between two tries


class Writer(Protocol):
    """What is asked of an object whose methods write to a record."""

    address: str
    tell: Callable[[str], None]  # is told what is waited for

    def check(self) -> None:
        """Before each try; raises an error that ends all tries."""

    def forget(self) -> None:
        """After a try that has failed: whether it was served is not known."""


P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Writer)


def patient(method: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
    """Decorator for a method that writes to a record.

    Raises:
        UserError: the server stays away, a disk is full, or another driver has taken over.
    """

    @wraps(method)
    def tried(record: W, *args: P.args, **kwargs: P.kwargs) -> T:
        until = time.monotonic() + LONGEST
        is_told = False
        while True:
            record.check()
            try:
                result = method(record, *args, **kwargs)
            except Exception as error:
                _give_up_unless_away(error, record, until)
                record.forget()
            else:
                if is_told:
                    record.tell("the record answers again")
                return result
            if not is_told:
                record.tell(f"the record {record.address} does not answer; trials go on, and their results wait")
                is_told = True
            time.sleep(PAUSE)

    return tried


def _give_up_unless_away(error: Exception, record: Writer, until: float) -> None:
    again = "give the same command again then: it goes on where it stopped"
    if is_disk_full(error):
        raise UserError(f"there is no space left for the record {record.address}; free some, and {again}.") from error
    if not is_away(error):
        raise error
    if time.monotonic() > until:
        raise UserError(
            f"the record {record.address} has not answered for {LONGEST / 60:.0f} minutes; start it again, and {again}."
        ) from error


def is_away(error: Exception) -> bool:
    """Whether an exception says that a server could not be reached or could not serve, or a database was locked."""
    if isinstance(error, RestException):
        return error.error_code == "TEMPORARILY_UNAVAILABLE"
    text = str(error)
    if isinstance(error, MlflowException) and text.startswith("API request to"):
        code = re.search(r"failed with error code (\d+)", text)
        return code is None or int(code[1]) >= 500
    return "database is locked" in text or isinstance(error, ConnectionError)
