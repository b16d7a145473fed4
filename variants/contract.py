"""What every variant gives: a typed configuration, a forward pass from images to class activities, a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

# How a formula is computed: without the large tensors between, or in torch's operators as the paper writes it. Both
# give the same up to rounding.
Form = Literal["fused", "reference"]


class Config(BaseModel):
    """What every variant is told by the task. A variant adds its own settings in a subclass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_size: int = Field(28, ge=1, le=512, description="height and width of an image, in pixels")
    image_channels: int = Field(1, ge=1, le=16, description="1 for grey images, 3 for colour")
    classes: int = Field(10, ge=2, le=1000, description="number of classes")

    @property
    def label(self) -> str:
        """What sets this configuration apart in a table, a few characters ("r=3"); empty if nothing does."""
        return ""


@dataclass(frozen=True)
class Output:
    """What a forward pass gives.

    activities: (batch, classes), larger is more likely; the prediction is the largest.
    reconstruction: (batch, channels · height · width) in 0..1, where the variant has a decoder.
    details: further tensors, by name, that the loss or a figure needs. Analyses know, in evaluation,
        `primary_lengths` (batch, capsule); `couplings` (batch, class, capsule); `digits` (batch, class, pose), which
        `Variant.decode` takes; `kept` (batch, rows, columns), how many primary capsules pruning has kept at each
        position, and `centres` (rows,), the pixel of an image that a position's field of view is centred on.
    """

    activities: Tensor
    reconstruction: Tensor | None = None
    details: dict[str, Tensor] | None = None

    def predictions(self) -> Tensor:
        """The most active class of each image, (batch,) int64."""
        return self.activities.argmax(dim=1)


class Variant(nn.Module):
    """A model that can be benchmarked: a `torch.nn.Module` with a configuration and a loss.

    A resumed training goes on from parameters, buffers and the random states of torch, NumPy and Python, all of which
    are seeded. Other state is lost with the process: keep it in buffers. `forward` and `loss` leave their arguments as
    they are. What a module sets globally when it is imported (default type, threads, …) is not in force in a trial.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    Config: ClassVar[type[Config]]  # from here on the name is the variant's own

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Class activities for images.

        Arguments:
            images: (batch, channels, height, width), values 0..1.
            labels: (batch,) int64 in training, where a decoder needs the true class; None in evaluation.
        """
        raise NotImplementedError

    def decode(self, digits: Tensor, classes: Tensor) -> Tensor | None:
        """Images from digit capsules; None for a variant without a decoder.

        Arguments:
            digits: (batch, class, pose).
            classes: (batch,) int64, the class whose capsule is shown.

        Returns:
            Pixels in 0..1, (batch, channels · height · width).
        """
        return None

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """The training loss of a forward pass, a scalar: the mean over the batch."""
        raise NotImplementedError
