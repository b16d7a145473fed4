"""Which node each block of a timing table runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.engine.blocks import Blocks
from harness.plan.trial import TimingTrial


def test_a_block_stays_on_its_node_and_waits_for_it() -> None:
    blocks = Blocks({})
    first = blocks.node(0, "ab")
    other = "ab".replace(str(first), "")
    assert blocks.node(0, "ab") == first
    assert blocks.node(0, "ab", busy={first}) is None
    assert blocks.node(1, "ab", busy={first}) == other  # several nodes time different blocks
    assert blocks.node(2, "ab", busy={first, other}) is None


def test_a_block_whose_node_has_gone_goes_on_on_another() -> None:
    blocks = Blocks({})
    first = blocks.node(0, "a")
    assert (first, blocks.node(0, "b"), blocks.node(0, "ab")) == ("a", "b", "b")
    assert blocks.node(1, "") is None


def test_a_block_goes_on_where_its_other_rows_were_timed() -> None:
    blocks = Blocks(dict.fromkeys(range(20), "b"))
    assert {blocks.node(number, "abc") for number in range(20)} == {"b"}
    assert len({blocks.node(number, "abc") for number in range(20, 60)}) == 3


def test_several_nodes_time_different_blocks_each_whole(timing_trial: Callable[..., TimingTrial]) -> None:
    """Three rows of four blocks on two nodes, of which one is twice as fast; then it dies."""
    waiting = [
        timing_trial().model_copy(update={"key": f"{n} {row}", "round": n}) for n in range(4) for row in range(3)
    ]
    blocks, able = Blocks({}), ["fast", "slow"]
    running: dict[str | None, TimingTrial] = {}
    placed: dict[int, Any] = {}
    for step in range(100):
        while (trial := blocks.choose(waiting, running.values(), able)) is not None:
            waiting.remove(trial)
            node = blocks.node(trial.round, able)
            assert node not in running
            running[node] = trial
            placed.setdefault(trial.round, []).append(node)
        if step == 4:
            able.remove("fast")
            lost = running.pop("fast")
            placed[lost.round].pop()
            waiting.insert(0, lost)
        running.pop("fast", None)
        if step % 2:
            running.pop("slow", None)
    assert waiting == []
    assert [len(nodes) for nodes in placed.values()] == [3, 3, 3, 3]
    split = [nodes for nodes in placed.values() if len(set(nodes)) > 1]
    assert len(split) <= 1  # the block that the dead node was at
    assert {node for nodes in placed.values() for node in nodes} == {"fast", "slow"}
