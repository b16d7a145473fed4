"""What a variant gives, held against `variants.contract` before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from harness.errors import UserError
from variants.contract import Output, Variant


def check_output(model: Variant, output: object, images: Tensor) -> Output:
    """What a forward pass has returned, if it is what it should be.

    Raises:
        UserError: it is something else.
    """
    name, wanted = type(model).__name__, (len(images), model.config.classes)
    if not isinstance(output, Output):
        raise UserError(
            f"forward of {name} must return an Output (of variants.contract), but returned {_told(output)}."
        )
    found = output.activities
    if not isinstance(found, Tensor) or tuple(found.shape) != wanted or not found.is_floating_point():
        raise UserError(
            f"forward of {name} must return an Output whose activities are floats of shape (batch, classes), here "
            f"{wanted}, but they are {_told(found)}."
        )
    return output


def check_loss(model: Variant, loss: object) -> Tensor:
    """What the loss has returned, if a gradient can be taken of it.

    Raises:
        UserError: it is something else.
    """
    name = type(model).__name__
    if not isinstance(loss, Tensor) or loss.dim() != 0 or not loss.is_floating_point():
        raise UserError(
            f"loss of {name} must return a tensor with one float and no dimension, but returned {_told(loss)}."
        )
    if not loss.requires_grad:
        raise UserError(f"loss of {name} does not depend on any parameter, so that nothing can be learned from it.")
    return loss


def check_gradients(model: Variant) -> None:
    """See that a backward pass has reached the model.

    Raises:
        UserError: no parameter has a gradient.
    """
    if all(parameter.grad is None for parameter in model.parameters()):
        raise UserError(
            f"no parameter of {type(model).__name__} has a gradient after the backward pass, so nothing is learned; "
            f"let its loss depend on its parameters."
        )


def check_finite(model: Variant, loss: Tensor, when: str) -> None:
    """See that a loss is a number.

    Raises:
        UserError: it is infinite or not a number.
    """
    value = float(loss)
    if not math.isfinite(value):
        raise UserError(
            f"the loss of {type(model).__name__} is {value} {when}, so that its time says nothing; mend the loss or "
            f"lower the learning rate."
        )


def check_state(model: Variant) -> None:
    """See that a checkpoint can hold the model.

    Raises:
        UserError: it has no parameter, or a state that is no tensor.
    """
    if next(model.parameters(), None) is None:
        raise UserError(f"{type(model).__name__} has no parameter, so that nothing can be trained.")
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"the state of {type(model).__name__} holds '{name}', which is no tensor but {_told(value)}; keep it "
                f"in a buffer (register_buffer), since checkpoints and kept models hold tensors alone."
            )


@contextmanager
def unchanged(model: Variant, images: Tensor, labels: Tensor) -> Iterator[None]:
    """A batch that must not be changed inside.

    Raises:
        UserError: it was.
    """
    batch = {"images": (images, images.clone()), "labels": (labels, labels.clone())}
    try:
        yield
    except Exception as error:
        _check_unchanged(model, batch, error)  # torch may have refused to take a gradient past the change
        raise
    _check_unchanged(model, batch, None)


def _check_unchanged(model: Variant, batch: dict[str, tuple[Tensor, Tensor]], error: Exception | None) -> None:
    for name, (now, before) in batch.items():
        if now.shape != before.shape or now.dtype != before.dtype or not torch.equal(now, before):
            raise UserError(
                f"{type(model).__name__} changes the {name} that it is given in place, so that its loss and time are "
                f"those of other {name}; let forward and loss work on a copy."
            ) from error


def _told(value: object) -> str:
    """A value by its kind: a tensor with shape and type, a sequence with its members."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)} ({', '.join(type(each).__name__ for each in value[:5])})"
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"
