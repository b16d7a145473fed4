"""The contract of a variant: a typed configuration, a forward pass from images to class activities, and a loss.

A variant is a subclass of `Variant`, registered by `variants.register`. `variants.cnn` is a short example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

# How a formula is computed: by operations that avoid the large intermediate tensors, or by torch's operators as the
# paper writes it. The results are equal up to rounding. A variant that has both offers them as a setting of this type.
Form = Literal["fused", "reference"]


class Config(BaseModel):
    """Configuration of a variant: three fields that the task sets, and in a subclass the variant's own settings.

    Settings are pydantic fields of types that JSON can hold, as they are part of a trial's key and of the record. Rows
    of a suite set them under `config:`; an unknown setting or a value outside its field's bounds is refused. A
    `model_validator` can check several settings together; the message of its ValueError is one sentence, without a full
    stop, that says what is wrong and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_size: int = Field(28, ge=1, le=512, description="height and width of an image, in pixels")
    image_channels: int = Field(1, ge=1, le=16, description="1 for grey images, 3 for colour")
    classes: int = Field(10, ge=2, le=1000, description="number of classes")

    @property
    def label(self) -> str:
        """What tells this configuration from others in a table, in a few characters ("r=3"); empty by default."""
        return ""


@dataclass(frozen=True)
class Output:
    """The result of a forward pass.

    activities: (batch, classes), floating point of any scale; the prediction is the class with the largest.
    reconstruction: (batch, channels · height · width) in 0..1, if the variant has a decoder.
    details: further tensors by name, for the variant's loss and for analyses, which leave out a variant that lacks what
        they measure. The analyses of `harness.analysis` read, in evaluation mode: `primary_lengths` (batch, capsule),
        lengths of the primary capsules; `couplings` (batch, class, capsule), coupling coefficients; `digits` (batch,
        class, pose), digit capsules, which `Variant.decode` takes; `kept` (batch, rows, columns), the number of primary
        capsules that pruning keeps at each position of the grid; and `centres` (rows,), the pixel in the middle of the
        receptive field of each row or column of the grid, counted from 0.
    """

    activities: Tensor
    reconstruction: Tensor | None = None
    details: dict[str, Tensor] | None = None

    def predictions(self) -> Tensor:
        """The most active class of each image, (batch,) int64."""
        return self.activities.argmax(dim=1)


class Variant(nn.Module):
    """A model that can be benchmarked: a `torch.nn.Module` with a configuration and a loss.

    A subclass sets `Config` to its own subclass of `variants.Config` if it has settings, takes the configuration as the
    only argument of `__init__`, and implements `forward` and `loss`. What the harness expects of it:

    - Initial weights come from torch's, NumPy's or Python's global random generators, which are seeded before.
    - A resumed training restores parameters, buffers and the states of these generators. Other state is lost with the
      process, so it belongs in buffers; the state dict holds nothing but tensors.
    - `forward` and `loss` do not change their arguments in place, and create tensors on the device of the images.
    - They may run under autocast (`precision: bfloat16`), without gradients, and with a smaller batch than in training.
    - Global settings that a module makes when it is imported (default dtype, threads, …) have no effect in a trial.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    Config: ClassVar[type[Config]]  # below this line of the class the name means this attribute

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """Class activities of images.

        Arguments:
            images: (batch, channels, height, width) float32 in 0..1.
            labels: (batch,) int64 in training, for a decoder that needs the true class; None in evaluation.
        """
        raise NotImplementedError

    def decode(self, digits: Tensor, classes: Tensor) -> Tensor | None:
        """Images reconstructed from digit capsules; None for a variant without a decoder.

        Arguments:
            digits: (batch, class, pose).
            classes: (batch,) int64, the class whose capsule is decoded.

        Returns:
            Pixels in 0..1, (batch, channels · height · width).
        """
        return None

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """The training loss of a forward pass: a scalar, the mean over the batch.

        Arguments:
            output: what `forward` returned for these images and labels.
            images, labels: as in `forward`.
        """
        raise NotImplementedError
