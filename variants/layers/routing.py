"""Dynamic routing between capsules (Sabour et al. 2017, section 2, procedure 1).

Routing makes a few passes over the votes û, which do not fit into a processor's cache: for a batch of 100 images of
28×28 they take 74 MB. `fused_route` runs all passes for a few images at a time, while their votes are in the cache,
and writes the gradient of the votes, a sum of outer products over the passes, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from variants.layers.capsules import squash

CACHED = 2**20  # elements of the votes that a CPU processes at a time, 4 MB in float32


def fused_route(poses: Tensor, weight: Tensor, iterations: int, *, last_only: bool = False) -> tuple[Tensor, Tensor]:
    """Digit capsules by routing-by-agreement; each image has its own logits, which start at zero.

    Arguments:
        poses: u_i, (batch, pose, capsule).
        weight: W_ij, (capsule, pose, class, digit pose).
        iterations: r, the number of passes; with 1 the couplings stay uniform.
        last_only: stop gradients through the passes before the last; the result of the forward pass is the same.

    Returns:
        v_j, (batch, class, digit pose), and the couplings c_ij of the last pass, (batch, class, capsule), through
        which no gradient flows.
    """
    with torch.autocast(poses.device.type, enabled=False):  # half precision is too coarse for the agreements
        s, couplings = _Routing.apply(poses.to(weight.dtype), weight, iterations, last_only)
        return squash(s, dim=2), couplings


def reference_route(
    poses: Tensor, weight: Tensor, iterations: int, *, last_only: bool = False
) -> tuple[Tensor, Tensor]:
    """Procedure 1 as the paper writes it, by torch's operators; arguments and results as in `fused_route`."""
    votes = torch.einsum("bpi,ipjd->bjid", poses, weight)  # û_j|i, (batch, class, capsule, digit pose)
    seen = votes.detach() if last_only else votes  # for the passes before the last
    logits = votes.new_zeros(votes.shape[:3])
    for iteration in range(iterations):
        is_last = iteration == iterations - 1
        couplings = logits.softmax(dim=1)
        v = squash((couplings.unsqueeze(3) * (votes if is_last else seen)).sum(dim=2), dim=2)
        if not is_last:
            logits = logits + (seen * v.unsqueeze(2)).sum(dim=3)
    return v, couplings.detach()


class _Routing(torch.autograd.Function):
    """s_j and the couplings of the last pass."""

    @staticmethod
    def forward(ctx: Any, poses: Tensor, weight: Tensor, iterations: int, last_only: bool) -> tuple[Tensor, Tensor]:
        capsules, _, classes, pose = weight.shape
        inputs = poses.permute(2, 0, 1).contiguous()  # (capsule, batch, pose)
        votes = _votes(inputs, weight)
        batch = inputs.shape[1]
        couplings = votes.new_empty(batch, classes, iterations, capsules)
        sums = votes.new_empty(batch, classes, iterations, pose)
        for rows in _pieces(votes):
            _passes(_by_class(votes[:, rows]), couplings[rows], sums[rows])
        ctx.save_for_backward(inputs, weight, couplings, sums)
        ctx.last_only = last_only
        last = couplings[:, :, -1].contiguous()
        ctx.mark_non_differentiable(last)
        return sums[:, :, -1].contiguous(), last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_s: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, couplings, sums = ctx.saved_tensors
        if ctx.last_only:
            couplings, sums = couplings[:, :, -1:], sums[:, :, -1:]
        if couplings.shape[2] > 1:
            votes = _votes(inputs, weight)  # cheaper to recompute than to keep
        else:
            votes = inputs.new_empty(*inputs.shape[:2], *weight.shape[2:])
        for rows in _pieces(votes):
            left, right = _outer_factors(votes[:, rows], couplings[rows], sums[rows], grad_s[rows])
            grad_piece = torch.bmm(left.flatten(0, 1).transpose(1, 2), right.flatten(0, 1))
            # these votes are no longer needed, so their gradient is written in their place
            votes[:, rows] = grad_piece.unflatten(0, left.shape[:2]).permute(2, 0, 1, 3)
        grad_votes = votes.flatten(2)  # (capsule, batch, class · digit pose)
        grad_weight = torch.bmm(inputs.transpose(1, 2), grad_votes).view_as(weight)
        grad_inputs = torch.bmm(grad_votes, weight.flatten(2).transpose(1, 2))
        return grad_inputs.permute(1, 2, 0), grad_weight, None, None


def _votes(inputs: Tensor, weight: Tensor) -> Tensor:
    """û_j|i = W_ij u_i, (capsule, batch, class, digit pose)."""
    return torch.bmm(inputs, weight.flatten(2)).unflatten(2, weight.shape[2:])


def _pieces(votes: Tensor) -> Iterator[slice]:
    """Slices of the batch whose votes fit into a CPU's cache; the whole batch on another device."""
    capsules, batch, classes, pose = votes.shape
    size = max(1, CACHED // (capsules * classes * pose)) if votes.device.type == "cpu" else batch
    return (slice(start, min(start + size, batch)) for start in range(0, batch, size))


def _by_class(votes: Tensor) -> Tensor:
    """A copy of votes (capsule, batch, class, digit pose) as (batch, class, capsule, digit pose)."""
    return votes.permute(1, 2, 0, 3).contiguous()


def _passes(votes: Tensor, couplings: Tensor, sums: Tensor) -> None:
    """Fill the couplings (batch, class, pass, capsule) and s (batch, class, pass, digit pose) of each pass."""
    batch, classes, iterations, capsules = couplings.shape
    flat = votes.flatten(0, 1)  # (batch · class, capsule, digit pose)
    logits = votes.new_zeros(batch, classes, capsules)
    for iteration in range(iterations):
        c = logits.softmax(dim=1)  # over the classes
        s = torch.bmm(c.view(-1, 1, capsules), flat)  # s_j = Σ_i c_ij û_j|i
        couplings[:, :, iteration] = c
        sums[:, :, iteration] = s.view(batch, classes, -1)
        if iteration < iterations - 1:
            agreements = torch.bmm(squash(s, dim=2), flat.transpose(1, 2))  # û_j|i · v_j
            logits = logits + agreements.view_as(logits)


def _outer_factors(votes: Tensor, couplings: Tensor, sums: Tensor, grad_s: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the gradient of the votes, Σ_t c_t ⊗ ∂s_t + Σ_t ∂b_{t+1} ⊗ v_t, with ∂ for a gradient.

    Arguments:
        votes: (capsule, batch, class, digit pose); not read if there is a single pass.
        couplings, sums: of the passes that gradients flow through.
        grad_s: of the last pass, (batch, class, digit pose).

    Returns:
        (batch, class, terms, capsule) and (batch, class, terms, digit pose).
    """
    batch, classes, iterations, capsules = couplings.shape
    left = couplings.new_empty(batch, classes, 2 * iterations - 1, capsules)
    right = sums.new_empty(batch, classes, 2 * iterations - 1, sums.shape[3])
    left[:, :, :iterations] = couplings
    right[:, :, iterations:] = squash(sums[:, :, :-1], dim=3)
    right[:, :, iterations - 1] = grad_s
    if iterations == 1:
        return left, right
    flat = _by_class(votes).flatten(0, 1)
    grad_logits = couplings.new_zeros(batch, classes, capsules)
    for iteration in range(iterations - 1, 0, -1):
        c = couplings[:, :, iteration]
        grad_c = torch.bmm(grad_s.reshape(-1, 1, grad_s.shape[2]), flat.transpose(1, 2)).view_as(grad_logits)
        weighted = c * grad_c
        # the softmax's gradient, added to that of later passes, whose logits are sums over the earlier ones
        grad_logits = grad_logits + weighted - c * weighted.sum(dim=1, keepdim=True)
        left[:, :, iterations + iteration - 1] = grad_logits
        grad_v = torch.bmm(grad_logits.view(-1, 1, capsules), flat).view_as(grad_s)
        grad_s = _squash_gradient(sums[:, :, iteration - 1], grad_v)
        right[:, :, iteration - 1] = grad_s
    return left, right


def _squash_gradient(s: Tensor, grad_v: Tensor) -> Tensor:
    """The gradient of s for v = g s with g = ‖s‖/(1+‖s‖²): g ∂v + g′/‖s‖ (∂v · s) s, along the last dimension."""
    squared = s.square().sum(dim=-1, keepdim=True).clamp_min(1e-30)
    length = squared.sqrt()
    along = (grad_v * s).sum(dim=-1, keepdim=True) * (1 - squared) / ((1 + squared).square() * length)
    return grad_v * (length / (1 + squared)) + along * s
