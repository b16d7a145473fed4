"""A lease on a suite's experiment, so that one driver at a time writes to it, on whichever machine it runs.

The lock of `harness.record.lock` keeps out a second driver on the same results folder. The lease also keeps out drivers
on other machines that write to the same MLflow server. It is a tag of the experiment, which its holder renews every
`BEAT_SECONDS`. A holder on this machine is alive if its process is; one on another machine, if it renews the tag.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from mlflow.tracking import MlflowClient

from harness.boot import machine, started
from harness.errors import UserError

TAG = "harness.driver"
BEAT_SECONDS = 5.0  # between two renewals
STALE_SECONDS = 60.0  # without a renewal, after which the holder counts as dead
SETTLE_SECONDS = 0.5  # after which the last of several drivers that wrote at once holds the lease
POLL_SECONDS = 1.0  # between two reads of another driver's tag


@dataclass(frozen=True)
class Holder:
    """The driver that holds the lease."""

    token: str
    host: str  # for people
    machine: str | None
    process: int
    started: int | None
    beat: int = 0  # counts its renewals

    def is_here(self) -> bool:
        """Whether it is, or was, a process on this machine."""
        return self.machine is not None and self.machine == machine()

    def is_alive(self) -> bool:
        """Whether its process runs, if it is on this machine."""
        return self.started is not None and started(self.process) == self.started


class Lease:
    """The right to write to an experiment.

    Arguments:
        notify: called with a line that says what is waited for.
    """

    def __init__(self, client: MlflowClient, experiment: str, suite: str, notify: Callable[[str], None]) -> None:
        self._client, self._experiment, self._suite, self._notify = client, experiment, suite, notify
        here = machine()
        self._me = Holder(secrets.token_hex(8), platform.node(), here, os.getpid(), started(os.getpid()))
        self._is_lost = False
        self._written = _now()
        self._writing = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def acquire(self) -> None:
        """Take the lease; watch its holder first, if there is one on another machine, until it counts as dead.

        Raises:
            UserError: the holder is alive.
        """
        self._wait_until_free()
        self._write()
        time.sleep(SETTLE_SECONDS)
        self._wait_until_free()
        self._thread.start()

    def release(self) -> None:
        """Give the lease back."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(Exception):  # it goes stale anyway
            if not self._is_anothers(self._read()):
                self._client.delete_experiment_tag(self._experiment, TAG)

    def is_lost(self) -> bool:
        """Whether another driver has taken the lease; it is looked up if this one has not renewed it for long."""
        if not self._is_lost and _now() - self._written > STALE_SECONDS:
            with contextlib.suppress(Exception):  # requests to the record itself wait for a server that is unreachable
                self._beat()
        return self._is_lost

    def _wait_until_free(self) -> None:
        text = self._read()
        if not self._is_anothers(text):
            return
        holder = _holder(text)
        if holder is not None and holder.is_here():
            if holder.is_alive():
                self._refuse(holder)
            return
        who = f"process {holder.process} on {holder.host}" if holder is not None else "another driver"
        self._notify(
            f"the suite '{self._suite}' was being run into this record by {who}; it is taken over if that gives no "
            f"sign of life for {STALE_SECONDS:.0f} s"
        )
        until = time.monotonic() + STALE_SECONDS
        while time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            now = self._read()
            if not self._is_anothers(now):
                return
            if now != text:
                self._refuse(_holder(now))

    def _refuse(self, holder: Holder | None) -> None:
        who = f"process {holder.process} on {holder.host}" if holder is not None else "another driver"
        raise UserError(
            f"the suite '{self._suite}' is being run into this record by {who}; wait for it or stop it (a dead one is "
            f"forgotten after {STALE_SECONDS:.0f} s)."
        )

    def _is_anothers(self, text: str) -> bool:
        holder = _holder(text)
        return bool(text) and (holder is None or holder.token != self._me.token)

    def _read(self) -> str:
        return str(self._client.get_experiment(self._experiment).tags.get(TAG, ""))

    def _write(self) -> None:
        self._me = replace(self._me, beat=self._me.beat + 1)
        self._client.set_experiment_tag(self._experiment, TAG, json.dumps(asdict(self._me)))
        self._written = _now()

    def _beat(self) -> None:
        with self._writing:
            text = self._read()
            if self._is_anothers(text):
                self._is_lost = True
            else:
                self._write()

    def _keep(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS) and not self._is_lost:
            with contextlib.suppress(Exception):  # requests to the record itself wait for a server that is unreachable
                self._beat()


def _holder(text: str) -> Holder | None:
    """Parse the holder from a tag; None if it can't be read."""
    try:
        told = json.loads(text)
        return Holder(**{name: told[name] for name in Holder.__dataclass_fields__})
    except (TypeError, ValueError, LookupError):
        return None


def _now() -> float:
    """Seconds of a monotonic clock that includes the time in which the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
