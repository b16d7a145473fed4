"""Adam, against the formulas of Kingma and Ba 2015 written out."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from harness.worker.optimizer import Adam


def test_steps_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    model = nn.Linear(5, 3)
    optimizer = Adam(model, 0.01)
    weight = model.weight.detach().numpy().astype(np.float64)
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for step in range(1, 6):
        rate = 0.01 / step  # a schedule sets it anew for every step
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        model(torch.rand(4, 5)).square().sum().backward()
        assert model.weight.grad is not None
        gradient = model.weight.grad.numpy().astype(np.float64)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weight -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        optimizer.step()
        np.testing.assert_allclose(model.weight.detach().numpy(), weight, rtol=1e-5, atol=1e-7)


def test_its_state_comes_back() -> None:
    torch.manual_seed(0)
    one, other = nn.Linear(5, 3), nn.Linear(5, 3)
    images = torch.rand(4, 5)
    first = Adam(one, 0.01)

    def step(model: nn.Module, optimizer: Adam) -> None:
        optimizer.zero_grad()
        model(images).square().sum().backward()
        optimizer.step()

    step(one, first)
    other.load_state_dict(one.state_dict())
    second = Adam(other, 0.5)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    step(one, first)
    step(other, second)
    assert torch.equal(one.weight, other.weight)
    assert second.param_groups[0]["lr"] == pytest.approx(0.01)


def test_the_compiler_stays_out() -> None:
    script = (
        "import sys, torch; from harness.worker.optimizer import Adam; m = torch.nn.Linear(2, 2); o = Adam(m, 0.1);"
        "m(torch.rand(1, 2)).sum().backward(); o.step(); o.zero_grad();"
        "o.load_state_dict(o.state_dict()); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
