"""The sentinel: a fixed control model, timed before and after each timing trial to show changes of the machine's speed.

It depends on no task and no variant. Times of two records can be compared through it as long as this file is unchanged.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.randomness import seed_everything
from harness.suite.protocol import Precision
from harness.worker.optimizer import Adam
from harness.worker.precision import forward_in
from harness.worker.result import SentinelRun
from harness.worker.timing.clock import gc_disabled, seconds_of

IMAGES, SIDE, CLASSES = 100, 28, 10
KERNEL, FEATURES, MAPS = 9, 64, 128  # of the convolutions, as large as those that are usually timed
LENGTH, OUT = 8, 16  # of the vectors before and after the batched product
PLACES = MAPS // LENGTH * 6 * 6  # vectors of an image: the second convolution leaves 6×6 pixels
LEARNING_RATE = 0.001


class Sentinel(nn.Module):
    """Two convolutions, a batched matrix product and elementwise work, all by torch's own operators."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(1, FEATURES, KERNEL)
        self.maps = nn.Conv2d(FEATURES, MAPS, KERNEL, stride=2)
        self.weight = nn.Parameter(0.1 * torch.randn(PLACES, LENGTH, CLASSES * OUT))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (image, class) of images (image, 1, SIDE, SIDE)."""
        maps = self.maps(F.relu(self.features(images)))
        vectors = torch.tanh(maps.view(len(images), LENGTH, PLACES).permute(2, 0, 1))  # (place, image, length)
        votes = torch.sigmoid(vectors @ self.weight)  # (place, image, class × out)
        return votes.mean(0).view(len(images), CLASSES, OUT).square().sum(-1)


def time_sentinel(iterations: int, precision: Precision, device: torch.device) -> SentinelRun:
    """Time training iterations on the sentinel's own random batch, after one iteration of warm-up."""
    began = time.monotonic()
    seed_everything(0)
    model = Sentinel().to(device)
    images = torch.rand(IMAGES, 1, SIDE, SIDE).to(device)
    labels = torch.randint(CLASSES, (IMAGES,)).to(device)
    optimizer = Adam(model, LEARNING_RATE)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with forward_in(precision, device):
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    with gc_disabled():
        seconds = seconds_of(step, 1 + iterations, device)
    return SentinelRun(began, time.monotonic(), seconds[1:])
