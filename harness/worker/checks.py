"""Check that a variant's outputs, loss, gradients and state satisfy `variants.contract`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from harness.errors import UserError
from variants.contract import Output, Variant


def check_output(model: Variant, output: object, images: Tensor) -> Output:
    """Return the output of a forward pass after checking its type and shape.

    Raises:
        UserError: it is not an `Output` whose activities are floats of shape (batch, classes).
    """
    name, wanted = type(model).__name__, (len(images), model.config.classes)
    if not isinstance(output, Output):
        raise UserError(
            f"forward of {name} must return an Output (of variants.contract), but returned {_description(output)}."
        )
    found = output.activities
    if not isinstance(found, Tensor) or tuple(found.shape) != wanted or not found.is_floating_point():
        raise UserError(
            f"forward of {name} must return an Output whose activities are floats of shape (batch, classes), here "
            f"{wanted}, but they are {_description(found)}."
        )
    return output


def check_loss(model: Variant, loss: object) -> Tensor:
    """Return the loss after checking that it is a scalar which depends on a parameter.

    Raises:
        UserError: it is not.
    """
    name = type(model).__name__
    if not isinstance(loss, Tensor) or loss.dim() != 0 or not loss.is_floating_point():
        raise UserError(
            f"loss of {name} must return a tensor with one float and no dimension, but returned {_description(loss)}."
        )
    if not loss.requires_grad:
        raise UserError(f"loss of {name} does not depend on any parameter, so that nothing can be learned from it.")
    return loss


def check_gradients(model: Variant) -> None:
    """Check that a backward pass has given at least one parameter a gradient.

    Raises:
        UserError: no parameter has a gradient.
    """
    if all(parameter.grad is None for parameter in model.parameters()):
        raise UserError(
            f"no parameter of {type(model).__name__} has a gradient after the backward pass, so nothing is learned; "
            f"let its loss depend on its parameters."
        )


def check_finite(model: Variant, loss: Tensor, when: str) -> None:
    """Check that a loss is finite.

    Arguments:
        when: the moment, for the message ("after the first iteration").

    Raises:
        UserError: it is infinite or not a number.
    """
    value = float(loss)
    if not math.isfinite(value):
        raise UserError(
            f"the loss of {type(model).__name__} is {value} {when}, so its time means nothing; fix the loss or "
            f"lower the learning rate."
        )


def check_state(model: Variant) -> None:
    """Check that a checkpoint can hold the model.

    Raises:
        UserError: it has no parameter, or a state that is no tensor.
    """
    if next(model.parameters(), None) is None:
        raise UserError(f"{type(model).__name__} has no parameter, so that nothing can be trained.")
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"the state of {type(model).__name__} holds '{name}', which is no tensor but {_description(value)}; "
                f"keep it in a buffer (register_buffer), since checkpoints and kept models hold tensors alone."
            )


@contextmanager
def unchanged(model: Variant, images: Tensor, labels: Tensor) -> Iterator[None]:
    """Check on exit that the batch has not been changed in place.

    Raises:
        UserError: it has.
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


def _description(value: object) -> str:
    """Describe a value by its type: a tensor with its shape and dtype, a sequence with the types of its members."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)} ({', '.join(type(each).__name__ for each in value[:5])})"
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"
