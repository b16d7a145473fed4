"""Common to the capsule variants: squashing, the convolutions before the capsules, primary capsules.

A set of capsules is a tensor (batch, pose, capsule). With the pose before the capsule, the output of a convolution is a
set of capsules without a copy, and sums over the pose read contiguous memory.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from variants.conv.large_kernel import LargeKernelConfig, LargeKernelConv2d

TYPES = 32  # types of primary capsules, Sabour et al. 2017, section 4
POSE = 8  # dimensions of a primary capsule
DIGIT_POSE = 16  # dimensions of a digit capsule


def norm(vectors: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """Length of vectors along `dim`; the gradient at the zero vector is zero, not NaN."""
    squared = vectors.square().sum(dim, keepdim=keepdim)
    # below the floor the clamp has no gradient, and the derivative of the square root stays finite
    return squared.clamp_min(1e-30).sqrt()


def squash(vectors: Tensor, dim: int) -> Tensor:
    """v = ‖s‖²/(1+‖s‖²) · s/‖s‖ along `dim` (Sabour et al. 2017, equation 1; ladder paper, equation 3)."""
    length = norm(vectors, dim, keepdim=True)
    return vectors * (length / (1 + length.square()))


def primary_grid(image_size: int, first_kernel: int, second_kernel: int) -> int:
    """Rows, and columns, of the grid of primary capsules: a stride-1, then a stride-2 convolution without padding."""
    return (image_size - first_kernel + 1 - second_kernel) // 2 + 1


def primary_centres(image_size: int, first_kernel: int, second_kernel: int) -> Tensor:
    """The pixel in the middle of the receptive field of each row or column of the grid, counted from 0, (grid,)."""
    grid = primary_grid(image_size, first_kernel, second_kernel)
    return (first_kernel + second_kernel - 2) / 2 + 2 * torch.arange(grid)


def primary_capsules(image_size: int, first_kernel: int, second_kernel: int) -> int:
    """Number of primary capsules of an image.

    Raises:
        ValueError: the image is too small for the two kernels.
    """
    smallest = first_kernel + second_kernel - 1
    if image_size < smallest:
        raise ValueError(
            f"image_size {image_size} is too small for kernels of {first_kernel} and {second_kernel} pixels; "
            f"use images of at least {smallest} pixels"
        )
    return TYPES * primary_grid(image_size, first_kernel, second_kernel) ** 2


class PrimaryConfig(LargeKernelConfig):
    """Configuration of a variant with primary capsules."""

    width: int = Field(256, ge=1, le=4096, description="channels of the convolution before the capsules")


class PrimaryCapsules(nn.Module):
    """ReLU convolution, then 32 types of 8D capsules at each position of a stride-2 convolution.

    A capsule consists of 8 channels at one position: channel `dimension · 32 + type`. The order of capsules, which no
    paper gives, is by type, then row, then column.

    Arguments:
        relu: apply ReLU to the capsules' inputs, so that poses are non-negative.
        types_last: order capsules by row, then column, then type.
    """

    def __init__(
        self,
        config: PrimaryConfig,
        first_kernel: int,
        second_kernel: int,
        *,
        relu: bool = False,
        types_last: bool = False,
    ) -> None:
        super().__init__()
        self.relu, self.types_last = relu, types_last
        self.features = LargeKernelConv2d(
            config.image_channels, config.width, first_kernel, algorithm=config.convolution
        )
        self.capsules = LargeKernelConv2d(
            config.width, POSE * TYPES, second_kernel, stride=2, algorithm=config.convolution
        )

    def forward(self, images: Tensor) -> Tensor:
        """Squashed poses (batch, 8, capsules) of images (batch, channels, height, width)."""
        channels = self.capsules(torch.relu(self.features(images)))  # (batch, 8 · 32, grid, grid)
        if self.types_last:
            channels = channels.unflatten(1, (POSE, TYPES)).permute(0, 1, 3, 4, 2)  # (batch, 8, grid, grid, 32)
        inputs = channels.reshape(len(images), POSE, -1)
        return squash(torch.relu(inputs) if self.relu else inputs, dim=1)
