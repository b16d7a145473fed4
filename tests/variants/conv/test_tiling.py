"""Blocks of an image: what overlaps, and how much memory they take."""

import torch

from variants.conv.tiling import Block, Plan, Shape, disjoint, plan, windows


def test_blocks_are_summed_in_parts_that_do_not_overlap() -> None:
    shape = Shape(batch=1, channels=1, height=13, width=9, outputs=1, kernel=5, stride=1, padding=0)
    blocks = Plan(shape, Block(3, 5), piece=1)
    height, width = blocks.canvas
    points = torch.arange(height * width).view(1, height, width, 1)
    seen = 0
    for rows in disjoint(7, 3, blocks.down):
        for columns in disjoint(9, 5, blocks.across):
            part = windows(points, blocks, rows, columns)
            assert part.unique().numel() == part.numel()
            seen += part.numel()
    assert (blocks.down, blocks.across, seen) == (3, 1, 3 * 7 * 9)


def test_memory_is_bounded_by_smaller_pieces() -> None:
    shape = Shape(batch=100, channels=64, height=28, width=28, outputs=64, kernel=5, stride=1, padding=2)
    limit = 20 * 2**20
    pieces = plan(shape, limit)
    assert 1 <= pieces.piece < 100
    assert pieces.bytes * pieces.piece / 100 <= limit
    assert plan(shape).piece == 100
