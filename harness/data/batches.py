"""Batches, made on the device from images that are held there as bytes. There is no loader and no worker process.

The order and the positions of an epoch's images are a pure function of (seed, epoch), drawn on the CPU, so that a
resumed trial sees the same batches as an uninterrupted one, and a GPU the same as a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from harness.data.dataset import Examples
from harness.data.rng import Stream
from harness.errors import UserError

EVALUATION_BATCH = 200  # images; a larger one gains a percent or two and takes its memory


class Batches:
    """The batches of all epochs. The last examples of an epoch, if too few for a batch, are left out.

    Arguments:
        examples: images (n, h, w), at most `image_size` high and wide.
        image_size: height and width of the images that `at` returns. If it is larger than h and w, an image is placed
            uniformly at random among all positions that keep it whole (13×13 of them for 28 on 40).
        shift: if the sizes agree, an image is translated by up to `shift` pixels in each direction, uniformly; the
            border is filled with zeros.
        seed: of order and positions, independent of the seed of the weights.

    Raises:
        UserError: an image larger than `image_size`, or fewer examples than one batch.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        image_size: int,
        batch_size: int,
        shift: int,
        seed: int,
        device: torch.device,
    ) -> None:
        count, height, width = examples.images.shape
        if max(height, width) > image_size:
            raise UserError(
                f"the images are {height}×{width} pixels, but the model's image_size is {image_size}: "
                f"set it to {max(height, width)} or more."
            )
        if not 1 <= batch_size <= count:
            raise UserError(
                f"a batch of {batch_size} cannot be made of {count} training images: allowed is 1 to {count}."
            )
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.per_epoch = count // batch_size
        self._labels = torch.tensor(examples.labels, dtype=torch.int64, device=device)
        # One more row and column of zeros, which every index outside the image is mapped to.
        self._images = torch.zeros(count, height + 1, width + 1, dtype=torch.uint8, device=device)
        self._images[:, :height, :width] = torch.tensor(examples.images, device=device)
        self._pixels = torch.arange(image_size, device=device)
        self._tops = _offsets(image_size, height, shift)
        self._lefts = _offsets(image_size, width, shift)
        self._epoch = -1

    def at(self, iteration: int) -> tuple[Tensor, Tensor]:
        """The batch of an iteration; iterations are counted over all epochs from 0.

        Returns:
            images (batch, 1, image_size, image_size) float32 in 0..1 and labels (batch,) int64.
        """
        epoch, position = divmod(iteration, self.per_epoch)
        self._draw(epoch)
        part = slice(position * self.batch_size, (position + 1) * self.batch_size)
        chosen = self._order[part]
        _, lines, line = self._images.shape
        rows = self._inside(self._top[part], lines - 1) * line + chosen[:, None] * (lines * line)
        columns = self._inside(self._left[part], line - 1)
        images = self._images.take(rows[:, :, None] + columns[:, None, :])  # (batch, image_size, image_size)
        return _scaled(images), self._labels[chosen]

    def _draw(self, epoch: int) -> None:
        """Draw the order and positions of an epoch, unless it is the current one."""
        if epoch == self._epoch:
            return
        stream = Stream("batches", self.seed, epoch)
        count = len(self._labels)
        self._order = torch.from_numpy(stream.permutation(count)).to(self.device)
        tops = self._tops.start + stream.below(len(self._tops), count)
        lefts = self._lefts.start + stream.below(len(self._lefts), count)
        self._top, self._left = (
            torch.from_numpy(tops).to(self.device),
            torch.from_numpy(lefts).to(self.device),
        )
        self._epoch = epoch

    def _inside(self, offset: Tensor, length: int) -> Tensor:
        """The image's row or column at each pixel of the canvas, (batch, image_size); `length` outside the image."""
        index = self._pixels - offset[:, None]
        return index.masked_fill((index < 0) | (index >= length), length)


def evaluation_batches(examples: Examples, batch_size: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """All examples in order, as `Batches.at` returns them; the last batch may be smaller."""
    for start in range(0, len(examples), batch_size):
        part = slice(start, start + batch_size)
        images = torch.tensor(examples.images[part], device=device)
        yield _scaled(images), torch.tensor(examples.labels[part], dtype=torch.int64, device=device)


def _offsets(size: int, length: int, shift: int) -> range:
    """The possible positions of an image's first row or column on the canvas."""
    return range(size - length + 1) if length < size else range(-shift, shift + 1)


def _scaled(images: Tensor) -> Tensor:
    return images.unsqueeze(1).to(torch.float32).div_(255)
