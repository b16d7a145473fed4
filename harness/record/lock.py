"""One driver at a time writes to a suite's record. The lock goes when its process does, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UserError


@contextmanager
def only_driver(folder: Path, suite: str) -> Iterator[None]:
    """Hold a suite's lock.

    Raises:
        UserError: another process holds it.
    """
    path = folder / f".{suite}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UserError(
                f"the suite '{suite}' is being run into {folder} by process {holder}; wait for it or stop it."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
