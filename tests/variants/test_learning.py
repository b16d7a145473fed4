"""Each variant learns real digits within seconds."""

from pathlib import Path
from typing import Any

import pytest
import torch

import variants
from harness.data import DATASETS

VARIANTS: dict[str, dict[str, Any]] = {
    "cnn": {},
    "capsnet": {},
    "capsnet, last-pass gradients": {"gradients": "last"},
    "lcapsnet": {"kernel": 15, "k": 20},
    "lcapsnet, authors' reading": {"kernel": 15, "k": 20, "reading": "authors"},
}
ITERATIONS, BATCH = 30, 20


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """800 handwritten zeros, ones, twos and threes: images (800, 1, 28, 28) in 0..1, and labels."""
    train = DATASETS.get("mnist")().load(data_dir).train
    rows = (train.labels < 4).nonzero()[0][:800]
    images = torch.tensor(train.images[rows]).float().div(255).unsqueeze(1)
    return images, torch.tensor(train.labels[rows]).long()


@pytest.mark.parametrize("name", VARIANTS)
def test_learns(name: str, digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    model = variants.build(name.split(",")[0], width=16, classes=4, convolution="direct", **VARIANTS[name])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    images, labels = digits
    losses = []
    for batch in range(ITERATIONS):
        rows = slice(batch * BATCH, (batch + 1) * BATCH)
        optimiser.zero_grad()
        loss = model.loss(model(images[rows], labels[rows]), images[rows], labels[rows])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        error = (model(images[600:]).predictions() != labels[600:]).float().mean().item()
    assert sum(losses[-5:]) / 5 < 0.7 * losses[0]
    assert error < 0.4  # chance is 0.75
