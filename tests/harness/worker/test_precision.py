"""Precision: an explicit setting that reaches the forward pass, and nothing that stays behind."""

from __future__ import annotations

import pytest
import torch

import variants
from harness.worker.precision import forward_in, products_in

CPU = torch.device("cpu")


def test_tf32_is_on_only_where_it_is_asked_for() -> None:
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    for precision, expected in (("tf32", True), ("float32", False), ("bfloat16", False)):
        with products_in(precision):  # type: ignore[arg-type]
            assert torch.backends.cuda.matmul.allow_tf32 is expected
            assert torch.backends.cudnn.allow_tf32 is expected
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == flags


@pytest.mark.parametrize(
    ("name", "config"),
    [("cnn", {}), ("capsnet", {}), ("capsnet", {"routing": "reference"}), ("lcapsnet", {}), ("lcapsnet", {"k": 5})],
)
def test_bfloat16_trains_every_variant(name: str, config: dict[str, object]) -> None:
    torch.manual_seed(0)
    model = variants.build(name, width=16, **config)
    images, labels = torch.rand(4, 1, 28, 28), torch.arange(4)
    with forward_in("float32", CPU):
        exact = model.loss(model(images, labels), images, labels)
    torch.manual_seed(1)  # of dropout
    with forward_in("bfloat16", CPU):
        rough = model.loss(model(images, labels), images, labels)
    rough.backward()
    assert rough.item() == pytest.approx(exact.item(), rel=0.05)
    assert rough.item() != exact.item()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.parameters())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
