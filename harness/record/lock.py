"""A file lock, so that one driver at a time writes to a suite's record. It ends with its process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from harness.errors import UserError
from harness.files import locked


@contextmanager
def only_driver(folder: Path, suite: str, notify: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold a suite's lock.

    Arguments:
        notify: called with a line if the file system has no locks.

    Raises:
        UserError: another process holds it, or its file can't be written.
    """
    path = folder / f".{suite}.lock"
    with ExitStack() as held:
        try:
            is_held = held.enter_context(locked(path, waits=False))
        except BlockingIOError:
            holder = path.read_text(errors="replace").strip() or "unknown"
            raise UserError(
                f"the suite '{suite}' is being run into {folder} by process {holder}; wait for it or stop it."
            ) from None
        except OSError as error:
            raise UserError(
                f"{path} can't be opened to be written ({error.strerror}); if it is another user's, ask for the right "
                f"to write in that folder, or name another one with --results."
            ) from None
        if not is_held:
            notify(f"{folder} is on a file system without locks; a second driver is kept out by the record alone")
        with suppress(OSError):  # whose lock it is, for people
            path.write_text(str(os.getpid()))
        yield
