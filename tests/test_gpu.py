"""What needs a GPU: the same results there, data that stay there, times by the device's clock."""

from __future__ import annotations

import pytest
import torch

import variants
from harness.worker.precision import forward_in, products_in
from harness.worker.timing.clock import seconds_of
from harness.worker.timing.flops import matrix_product_rate
from variants.conv.large_kernel import LargeKernelConv2d

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("algorithm", ["direct", "fast"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(9, 2, 0), (15, 2, 0), (5, 1, 2)])
def test_convolutions_are_exact(algorithm: str, kernel: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    layer = LargeKernelConv2d(32, 16, kernel, stride, padding, algorithm=algorithm).cuda()  # type: ignore[arg-type]
    images = torch.randn(4, 32, 26, 26, device="cuda", requires_grad=True)
    with products_in("float32"):
        result = layer(images)
        found = [result, *torch.autograd.grad(result.square().sum(), (images, *layer.parameters()))]
    exact = torch.nn.Conv2d(32, 16, kernel, stride, padding).double().cuda()
    exact.load_state_dict(layer.state_dict())
    inputs = images.detach().double().requires_grad_()
    result = exact(inputs)
    expected = [result, *torch.autograd.grad(result.square().sum(), (inputs, *exact.parameters()))]
    for one, other in zip(found, expected, strict=True):
        assert ((one - other).norm() / other.norm()).item() < 2e-6


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize("name", ["cnn", "capsnet", "lcapsnet"])
def test_every_variant_gives_what_it_gives_on_the_processor(name: str, precision: str) -> None:
    torch.manual_seed(0)
    model = variants.build(name, width=32).eval()
    images, labels = torch.rand(8, 1, 28, 28), torch.arange(8)
    expected = model.loss(model(images), images, labels).item()
    model.cuda()
    images, labels = images.cuda(), labels.cuda()
    with products_in(precision), forward_in(precision, images.device):  # type: ignore[arg-type]
        loss = model.loss(model(images), images, labels)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-4 if precision == "float32" else 0.05)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_times_are_those_of_the_device() -> None:
    """A product of known size takes the time that its rate says, though the call returns at once."""
    device = torch.device("cuda")
    with products_in("float32"):
        side, rate = 4096, matrix_product_rate(device)
        left, right = (torch.randn(side, side, device=device) for _ in range(2))
        samples = seconds_of(lambda: torch.mm(left, right), 10, device)
    assert sorted(samples)[5] == pytest.approx(2 * side**3 / rate, rel=0.5)
