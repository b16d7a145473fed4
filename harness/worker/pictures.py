"""What a trained model shows of itself on test images: the images that figures are made of.

All images are (height, width) uint8. They are the first ones that fit, so that nobody has chosen them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from harness.data import Examples
from harness.data.batches import evaluation_batches
from harness.data.subset import subset
from harness.worker.train.evaluation import BATCH
from variants.contract import Output, Variant

MISTAKES = 12  # images
LOOKED_AT = 500  # test images, for the positions that are kept
MOVED_CLASS = 5
OFFSETS = [round(0.05 * step, 2) for step in range(-5, 6)]  # Sabour, Frosst, Hinton 2017, section 5.1


@torch.inference_mode()
def pictures_of(model: Variant, test: Examples, predictions: np.ndarray, device: torch.device) -> dict[str, np.ndarray]:
    """Pictures by name, as far as the variant has what they need; see `variants.contract.Output`.

    Arguments:
        predictions: of the test's images, (images,).

    Returns:
        `mistakes`: the first images that the model got wrong, and where they are in the test, `mistakes_at`.
        `shown`: the first image of each class, and what the model makes of it, `reconstructed`.
        `moved`: (pose, offset, height, width), an image decoded with one dimension of its digit capsule moved by
        -0.25 to 0.25 in steps of 0.05, and its class, `moved_class`.
        `kept`: (class, rows, columns), the mean number of primary capsules that are kept at each position, the
        positions' `centres` in pixels, and the mean image of each class, `mean_images`.
    """
    model.eval()
    wrong = np.flatnonzero(predictions != test.labels)[:MISTAKES]
    found = {"mistakes": test.images[wrong], "mistakes_at": wrong}
    if test.images.shape[1] == model.config.image_size and model.config.image_channels == 1:
        found |= _reconstructions(model, test, device) | _kept(model, subset(test, LOOKED_AT), device)
    model.train()
    return found


def _reconstructions(model: Variant, test: Examples, device: torch.device) -> dict[str, np.ndarray]:
    classes, first = np.unique(test.labels, return_index=True)
    shown = Examples(test.images[first], test.labels[first])
    images, labels = next(evaluation_batches(shown, len(shown), device))
    output = model(images)
    if output.reconstruction is None:
        return {}
    found = {"shown": shown.images, "reconstructed": _bytes(output.reconstruction, model)}
    at = int(np.searchsorted(classes, min(MOVED_CLASS, classes[-1])))
    return found | _moved(model, output, at, labels[at])


def _moved(model: Variant, output: Output, at: int, label: Tensor) -> dict[str, np.ndarray]:
    digits = (output.details or {}).get("digits")
    if digits is None:
        return {}
    pose, offsets = digits.shape[2], torch.tensor(OFFSETS, device=digits.device)
    moved = digits[at].repeat(pose, len(OFFSETS), 1, 1)  # (pose, offset, class, pose)
    for dimension in range(pose):
        moved[dimension, :, label, dimension] += offsets
    decoded = model.decode(moved.flatten(0, 1), label.expand(pose * len(OFFSETS)))
    if decoded is None:
        return {}
    images = _bytes(decoded, model)
    return {"moved": images.reshape(pose, len(OFFSETS), *images.shape[1:]), "moved_class": label.cpu().numpy()}


def _kept(model: Variant, test: Examples, device: torch.device) -> dict[str, np.ndarray]:
    kept, centres = [], None
    for images, _ in evaluation_batches(test, BATCH, device):
        details = model(images).details or {}
        if "kept" not in details:
            return {}
        kept.append(details["kept"].cpu().numpy())
        centres = details["centres"].cpu().numpy()
    counts, classes = np.concatenate(kept), np.unique(test.labels)
    return {
        "kept": np.stack([counts[test.labels == label].mean(axis=0) for label in classes]),
        "centres": np.asarray(centres),
        "mean_images": np.stack([test.images[test.labels == label].mean(axis=0) for label in classes]).astype(np.uint8),
    }


def _bytes(pixels: Tensor, model: Variant) -> np.ndarray:
    size = model.config.image_size
    return np.asarray((pixels.reshape(-1, size, size) * 255).round().to(torch.uint8).cpu().numpy())
