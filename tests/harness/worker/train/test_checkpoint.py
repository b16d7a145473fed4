"""Checkpoints: whole or not at all, the one before where the newest is damaged, and no code in them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.worker.train.checkpoint import CHECKPOINTS_KEPT, AttemptSuperseded, Checkpoints, Owner, next_driver


def state(number: int) -> dict[str, Any]:
    return {"iteration": number, "weights": torch.full((50,), float(number)), "history": [{"loss": 0.5}]}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    """Two checkpoints, of iterations 10 and 20."""
    kept = Checkpoints(tmp_path / "trial")
    for number in (10, 20):
        kept.save(number, state(number))
    return kept


def newest(checkpoints: Checkpoints) -> Path:
    return sorted(checkpoints.folder.glob("*.pt"))[-1]


def iteration(checkpoints: Checkpoints) -> int | None:
    found = checkpoints.latest()
    return None if found is None else found["iteration"]


def test_nothing_yet(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").latest() is None


def test_the_newest_comes_back(checkpoints: Checkpoints) -> None:
    found = checkpoints.latest()
    assert found is not None
    assert found["iteration"] == 20
    assert torch.equal(found["weights"], torch.full((50,), 20.0))
    assert found["history"] == [{"loss": 0.5}]


def test_iterations_are_ordered_by_number_and_few_are_kept(checkpoints: Checkpoints) -> None:
    for number in (999, 1000, 100_000):
        checkpoints.save(number, state(number))
    assert iteration(checkpoints) == 100_000
    names = {path.name for path in checkpoints.folder.iterdir()}
    assert len(names) == 2 * CHECKPOINTS_KEPT + 1  # each with its seal, the owner's mark, nothing else left


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def unseal(path: Path) -> None:
    path.with_suffix(".json").unlink()


def break_seal(path: Path) -> None:
    path.with_suffix(".json").write_text('{"sha')


@pytest.mark.parametrize("damage", [cut, flip, empty, unseal, break_seal])
def test_a_damaged_one_gives_way_to_the_one_before(checkpoints: Checkpoints, damage: Callable[[Path], None]) -> None:
    damage(newest(checkpoints))
    assert iteration(checkpoints) == 10
    checkpoints.save(30, state(30))
    assert iteration(checkpoints) == 30


def test_all_damaged_is_a_fresh_start(checkpoints: Checkpoints) -> None:
    for path in checkpoints.folder.glob("*.pt"):
        flip(path)
    assert checkpoints.latest() is None


@pytest.mark.parametrize("number", [20, 30])
@pytest.mark.parametrize("survived", [0, 1])
def test_a_kill_while_saving_leaves_a_whole_one(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch, number: int, survived: int
) -> None:
    """The kill comes before the first or before the second file is moved to its place."""
    moves = []

    def replace(source: Path, target: Path, move: Callable[..., None] = os.replace) -> None:
        moves.append(target)
        if len(moves) > survived:
            raise KeyboardInterrupt
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(number, state(number) | {"second": True})
    assert iteration(checkpoints) in {10, 20}
    checkpoints.save(40, state(40))
    assert iteration(checkpoints) == 40


@pytest.mark.parametrize("number", [20, 30])
def test_a_kill_in_the_middle_of_a_file_leaves_the_newest(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def torn(_: object, file: Any) -> None:
        file.write(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", torn)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(number, state(number))
    assert iteration(checkpoints) == 20


def test_one_that_was_thought_dead_writes_no_more(checkpoints: Checkpoints) -> None:
    """A worker goes on for seconds after its node's death, while another one has taken over."""
    heir = Checkpoints(checkpoints.folder)
    heir.claim()
    with pytest.raises(AttemptSuperseded):
        checkpoints.save(30, state(30))
    assert iteration(heir) == 20
    heir.save(25, state(25))
    assert iteration(heir) == 25
    assert not list(heir.folder.glob("*.tmp"))


def test_what_a_killed_process_has_left_half_written_goes(checkpoints: Checkpoints) -> None:
    (checkpoints.folder / "0000000030.0123.tmp").write_bytes(b"half of it")
    heir = Checkpoints(checkpoints.folder)
    heir.claim()
    assert not list(heir.folder.glob("*.tmp"))
    assert iteration(heir) == 20


def test_a_full_disk_leaves_nothing_of_it(checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object, file: Any) -> None:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(checkpoints.folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(OSError, match="No space"):
            checkpoints.save(30, state(30))
    assert sorted(checkpoints.folder.iterdir()) == before
    assert iteration(checkpoints) == 20


class Trap:
    """What runs code where it is unpickled carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def test_code_in_a_checkpoint_does_not_run(checkpoints: Checkpoints, tmp_path: Path) -> None:
    path = checkpoints.folder / "0000000099.pt"
    torch.save({"iteration": 99, "trap": Trap(tmp_path / "sprung")}, path)
    seal = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    path.with_suffix(".json").write_text(json.dumps(seal))
    assert iteration(checkpoints) == 20
    assert not (tmp_path / "sprung").exists()


def sealed(folder: Path, number: int, content: bytes) -> None:
    """A file in the place of a checkpoint, with the seal of a whole one."""
    path = folder / f"{number:010d}.pt"
    path.write_bytes(content)
    seal = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    path.with_suffix(".json").write_text(json.dumps(seal))


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", pickle.dumps([1, 2]), b"PK\x03\x04"])
def test_one_that_cannot_be_read_gives_way_and_leaves_a_line(
    checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    sealed(checkpoints.folder, 30, content)
    assert iteration(checkpoints) == 20
    assert "0000000030.pt can't be read and is left out" in caplog.text


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        (Owner("a", 1, 2), Owner("a", 1, 1), True),  # a zombie that claims late
        (Owner("a", 2, 1), Owner("a", 1, 9), True),  # one of a driver that has gone
        (Owner("a", 1, 1), Owner("a", 1, 1), False),
        (Owner("a", 1, 9), Owner("a", 2, 1), False),
        (Owner("a", 2, 1), Owner("b", 1, 1), False),  # of another record, which knows nothing of the first
    ],
)
def test_an_older_claim_is_refused(tmp_path: Path, first: Owner, second: Owner, is_refused: bool) -> None:
    owner, other = Checkpoints(tmp_path / "t", first), Checkpoints(tmp_path / "t", second)
    owner.claim()
    if is_refused:
        with pytest.raises(AttemptSuperseded):
            other.claim()
        owner.save(10, state(10))
        assert iteration(owner) == 10
    else:
        other.claim()
        with pytest.raises(AttemptSuperseded):
            owner.save(10, state(10))


def test_each_driver_has_a_later_claim_than_the_one_before(tmp_path: Path) -> None:
    claims = [next_driver(tmp_path / "suite") for _ in range(3)]
    assert [claim.driver for claim in claims] == [1, 2, 3]
    assert len({claim.checkpoints_id for claim in claims}) == 1
    assert claims[0].is_older_than(claims[1])
    assert next_driver(tmp_path / "other").checkpoints_id != claims[0].checkpoints_id


def test_a_damaged_owners_mark_is_as_none(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "t")
    kept.claim()
    for content in ("", "{", "0123456789abcdef", "[]"):
        (tmp_path / "t" / "owner").write_text(content)
        Checkpoints(tmp_path / "t", Owner("a", 1, 1)).claim()


def test_clear(checkpoints: Checkpoints) -> None:
    checkpoints.clear()
    assert not checkpoints.folder.exists()
    checkpoints.clear()  # nothing to remove is no error
