"""A fixed small model, timed in every round: where its time drifts, the machine did."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from variants import contract
from variants.contract import Output, Variant

KERNEL = 9  # of the convolution; smaller where the images are


class Sentinel(Variant):
    """One convolution and one matrix product by torch's own operators; it never changes."""

    Config = contract.Config

    def __init__(self, config: contract.Config) -> None:
        super().__init__(config)
        size, kernel = config.image_size, min(KERNEL, config.image_size)
        side = (size - 8) // 2 if size >= KERNEL else 1  # whose square, times four, is the number of hidden units
        self.convolution = nn.Conv2d(config.image_channels, 16, kernel, stride=2)
        self.hidden = nn.Linear(16 * ((size - kernel) // 2 + 1) ** 2, 4 * side * side)
        self.classes = nn.Linear(4 * side * side, config.classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Output:
        """See `Variant.forward`."""
        hidden = F.relu(self.hidden(F.relu(self.convolution(images)).flatten(1)))
        return Output(self.classes(hidden))

    def loss(self, output: Output, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(output.activities, labels)
