"""Which node each block of a timing table runs on."""

from __future__ import annotations

from harness.engine.blocks import Blocks


def test_a_block_stays_on_its_node_and_waits_for_it() -> None:
    blocks = Blocks({})
    first = blocks.node(0, "ab")
    other = "ab".replace(str(first), "")
    assert blocks.node(0, "ab") == first
    assert blocks.node(0, "ab", busy={first}) is None
    assert blocks.node(1, "ab", busy={first}) == other  # several nodes time different blocks
    assert blocks.node(2, "ab", busy={first, other}) is None
    assert blocks.kept(2) is None


def test_a_block_whose_node_has_gone_goes_on_on_another() -> None:
    blocks = Blocks({})
    first = blocks.node(0, "a")
    assert (first, blocks.node(0, "b"), blocks.node(0, "ab")) == ("a", "b", "b")
    assert blocks.node(1, "") is None


def test_a_block_goes_on_where_its_other_rows_were_timed() -> None:
    blocks = Blocks(dict.fromkeys(range(20), "b"))
    assert {blocks.node(number, "abc") for number in range(20)} == {"b"}
    assert len({blocks.node(number, "abc") for number in range(20, 60)}) == 3
