"""Convolution by blocks against a plain loop, and in pieces against the whole."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.variants.conv.tensors import normal, relative_error
from variants.conv import block_conv
from variants.conv.block_conv import BlockConvolution
from variants.conv.tiling import Block, Plan, Shape, plan


@pytest.mark.parametrize("tile", [(1, 1), (2, 3), (3, 2), (4, 7), (9, 5)])
def test_every_block_gives_the_convolution_of_a_plain_loop(tile: tuple[int, int]) -> None:
    shape = Shape(batch=2, channels=3, height=13, width=12, outputs=2, kernel=5, stride=2, padding=1)
    images, weight = normal(2, 3, 13, 12), normal(2, 3, 5, 5, seed=1)
    padded = np.pad(images.double().numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    exact = np.zeros((2, 2, shape.rows, shape.columns))
    for row, column in np.ndindex(shape.rows, shape.columns):
        patch = padded[:, :, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
        exact[:, :, row, column] = np.einsum("bchw,ochw->bo", patch, weight.double().numpy())
    result = BlockConvolution.apply(images, weight, None, Plan(shape, Block(*tile), piece=2), True)
    assert exact.shape == (2, 2, 6, 5)
    np.testing.assert_allclose(result.numpy(), exact, atol=2e-5)


def test_pieces_of_a_batch_give_the_same_result_as_one() -> None:
    shape = Shape(batch=5, channels=6, height=14, width=14, outputs=4, kernel=5, stride=1, padding=2)
    whole = Plan(shape, Block(6, 4), piece=5)
    weight, bias = normal(4, 6, 5, 5, seed=1), normal(4, seed=2)

    def run(piece: int) -> list[Tensor]:
        tensors = [v.clone().requires_grad_() for v in (normal(5, 6, 14, 14), weight, bias)]
        result = BlockConvolution.apply(*tensors, Plan(shape, whole.block, piece), True)
        return [result, *torch.autograd.grad(result.square().sum(), tensors)]

    for one, several in zip(run(5), run(2), strict=True):
        assert relative_error(several, one.double()) < 1e-6


def test_outputs_a_few_at_a_time_give_the_same_result_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the transformed kernel would not fit into memory."""
    shape = Shape(batch=2, channels=3, height=11, width=11, outputs=7, kernel=5, stride=2, padding=1)
    images, weight, bias = tensors = [
        v.requires_grad_() for v in (normal(2, 3, 11, 11), normal(7, 3, 5, 5, seed=1), normal(7, seed=2))
    ]

    def run() -> list[Tensor]:
        result = block_conv.block_convolution(images, weight, bias, shape)
        return [result, *torch.autograd.grad(result.square().sum(), tensors)]

    whole = run()
    for_three = 3 * plan(shape).kernel_bytes // 7
    monkeypatch.setattr(block_conv, "KERNEL", for_three)
    monkeypatch.setattr(block_conv, "GROUP", for_three // 3)
    parts = run()
    assert [p.shape for p in parts] == [w.shape for w in whole]
    for one, several in zip(whole, parts, strict=True):
        assert relative_error(several, one.double()) < 1e-6
