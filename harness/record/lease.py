"""One driver at a time for a suite's experiment, wherever drivers run: a note in the experiment that is kept fresh.

The lock of `harness.record.lock` keeps out a second driver on the same results folder at once. This one also sees
drivers on other machines that write to the same MLflow server. A note that is not fresh any more counts as nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import threading
import time
from dataclasses import asdict, dataclass

import psutil
from mlflow.tracking import MlflowClient

from harness.errors import UserError

TAG = "harness.driver"
BEAT = 20.0  # seconds between two signs of life
STALE = 120.0  # seconds without one after which a driver counts as dead
SETTLE = 0.5  # seconds after which the last of several that came at once has it


@dataclass(frozen=True)
class Holder:
    """The driver that has the lease."""

    token: str
    host: str
    process: int
    started: float  # when its process was, seconds since 1970
    beat: float  # its last sign of life, likewise

    def is_alive(self) -> bool:
        """Whether it may still be at work."""
        if self.host == platform.node():
            with contextlib.suppress(psutil.Error):
                return abs(psutil.Process(self.process).create_time() - self.started) < 1
            return False
        return time.time() - self.beat < STALE


class Lease:
    """The right to write to an experiment.

    Raises:
        UserError: another driver has it.
    """

    def __init__(self, client: MlflowClient, experiment: str, suite: str) -> None:
        self._client, self._experiment = client, experiment
        self._me = Holder(secrets.token_hex(8), platform.node(), os.getpid(), psutil.Process().create_time(), 0)
        self.is_lost = False
        self._stopped = threading.Event()
        self._refuse(suite)
        self._write()
        time.sleep(SETTLE)
        self._refuse(suite)
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")
        self._thread.start()

    def release(self) -> None:
        """Let another driver have it."""
        self._stopped.set()
        self._thread.join()
        with contextlib.suppress(Exception):  # it goes stale all the same
            if not self.is_lost:
                self._client.delete_experiment_tag(self._experiment, TAG)

    def _refuse(self, suite: str) -> None:
        holder = self._holder()
        if holder is None or holder.token == self._me.token or not holder.is_alive():
            return
        raise UserError(
            f"the suite '{suite}' is being run into this record by process {holder.process} on {holder.host}, last "
            f"heard of {max(0, time.time() - holder.beat):.0f} s ago; wait for it or stop it (a dead one is forgotten "
            f"after {STALE:.0f} s)."
        )

    def _holder(self) -> Holder | None:
        text = self._client.get_experiment(self._experiment).tags.get(TAG)
        try:
            return Holder(**json.loads(text)) if text else None
        except (TypeError, ValueError):
            return None

    def _write(self) -> None:
        note = asdict(self._me) | {"beat": time.time()}
        self._client.set_experiment_tag(self._experiment, TAG, json.dumps(note))

    def _keep(self) -> None:
        while not self._stopped.wait(BEAT):
            with contextlib.suppress(Exception):  # a server that is away is waited for elsewhere
                holder = self._holder()
                if holder is not None and holder.token != self._me.token:
                    self.is_lost = True
                    return
                self._write()
