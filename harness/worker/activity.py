"""How active a trained model's capsules are on one class of images, and how strongly they are coupled to it.

An average is that of a capsule over the images; capsules are put in order afterwards. (The averages of the most active
capsule of each image, of the second one and so on would fall at K by construction.)
Figures 1 and 4 of the ladder paper show averages over "5444 samples of digit 0": the zeros among the training images
after the first 5,000, which are left for validation.
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data import Examples
from harness.data.batches import evaluation_batches
from harness.worker.train.evaluation import BATCH
from variants.contract import Variant

SHOWN_CLASS = 0
VALIDATION = 5_000  # training images
DIGITS = 7  # of a mean that are kept: as many as float32 has


def shown_images(train: Examples) -> Examples:
    """The training images that the averages are taken over."""
    chosen = np.flatnonzero(train.labels[VALIDATION:] == SHOWN_CLASS) + VALIDATION
    return Examples(train.images[chosen], train.labels[chosen])


@torch.inference_mode()
def activity_of(model: Variant, shown: Examples, device: torch.device) -> dict[str, list[float]]:
    """Mean activities of all primary capsules, in falling order, and their mean couplings.

    A variant takes part by giving `primary_lengths` (batch, capsule) among its details and, where it has them,
    `couplings` (batch, class, capsule).

    Returns:
        `activities` and `couplings`, of each capsule; empty for a variant without capsules, or where the images have
        another size than the model's.
    """
    if shown.images.shape[1] != model.config.image_size:
        return {}
    sums: dict[str, torch.Tensor] = {}
    model.eval()
    for images, _ in evaluation_batches(shown, BATCH, device):
        details = model(images).details or {}
        if "primary_lengths" not in details:
            break
        _add(sums, "activities", details["primary_lengths"])
        if "couplings" in details:
            _add(sums, "couplings", details["couplings"][:, SHOWN_CLASS])
    model.train()
    if not sums:
        return {}
    order = sums["activities"].argsort(descending=True)
    means = {name: (total[order] / len(shown)).tolist() for name, total in sums.items()}
    return {name: [float(f"{value:.{DIGITS}g}") for value in values] for name, values in means.items()}


def _add(sums: dict[str, torch.Tensor], name: str, values: torch.Tensor) -> None:
    total = values.double().sum(dim=0)
    sums[name] = sums[name] + total if name in sums else total
