"""What Ray leaves in this process is undone."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from harness.engine.surroundings import environment, own_signals, ray_environment


def test_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("TAKEN", "away")
    before = dict(os.environ)
    with environment({"RAY_AUTH_MODE": "token", "TAKEN": None, "NEW": "1"}):
        assert (os.environ["RAY_AUTH_MODE"], os.environ["NEW"], "TAKEN" in os.environ) == ("token", "1", False)
        os.environ["RAY_SET_BY_RAY"] = "1"
        os.environ["SET_BY_THE_USER"] = "1"
    assert os.environ.pop("SET_BY_THE_USER") == "1"
    assert dict(os.environ) == before


def _be_terminated_at_rays_start() -> None:
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
    signal.raise_signal(signal.SIGTERM)


def test_signals_mean_what_they_meant_and_one_that_rays_handler_took_is_an_interrupt() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), own_signals():
        _be_terminated_at_rays_start()
    assert signal.getsignal(signal.SIGTERM) == before


def test_ray_authenticates_afterwards_as_it_did_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that went on asking for a token would end this process at the next cluster that has none."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with ray_environment({"RAY_AUTH_MODE": "disabled"}):
        assert not _asks_for_a_token()
        with ray_environment({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ab" * 32}):
            assert _asks_for_a_token()
        assert not _asks_for_a_token()


def _asks_for_a_token() -> bool:
    import ray._raylet

    raylet: Any = ray._raylet  # compiled, without types
    return bool(raylet.get_authentication_mode() == raylet.AuthenticationMode.TOKEN)
