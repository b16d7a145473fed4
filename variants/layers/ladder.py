"""The layers of the ladder capsule network: pruning, functions of the code vector, propagation, regression.

Each class has its own parameters. They are stored and applied for all classes together: parameters are (class, in, out)
and values (class, batch, features), so that each layer is one batched matrix product. Selected capsules are
(batch, pose, K), like capsules elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from variants.layers.capsules import DIGIT_POSE, POSE


def prune(poses: Tensor, activities: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The K most active capsules and the code vector (section 3.1), in the order of the capsules' indices (Figure 2).

    Arguments:
        poses: (batch, pose, capsule).
        activities: (batch, capsule).

    Returns:
        The selected poses (batch, pose, K), and the code vector (batch, capsule), which is 1 for a selected capsule and
        else 0. No gradient flows through the code vector.
    """
    selected = activities.topk(k, dim=1, sorted=False).indices.sort(dim=1).values
    code = torch.zeros_like(activities).scatter_(1, selected, 1)
    return poses.gather(2, selected.unsqueeze(1).expand(-1, poses.shape[1], -1)), code


def initialise(weight: Tensor, bias: Tensor, fan_in: int, fan_out: int) -> None:
    """Initialise the parameters of a linear layer of any layout, as the authors' code does.

    The weight is uniform in ±√(6/(fan_in + fan_out)) (Xavier); so is the bias, with `fan_out` for both fans. The paper
    does not give initial values; with these its reading learns faster than with torch's defaults.
    """
    nn.init.uniform_(weight, -math.sqrt(6 / (fan_in + fan_out)), math.sqrt(6 / (fan_in + fan_out)))
    nn.init.uniform_(bias, -math.sqrt(3 / fan_out), math.sqrt(3 / fan_out))


class ClassLinear(nn.Module):
    """A linear layer for each class: (class, batch, in) to (class, batch, out)."""

    def __init__(self, classes: int, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, into, out))
        self.bias = nn.Parameter(torch.empty(classes, 1, out))
        initialise(self.weight, self.bias, into, out)

    def forward(self, values: Tensor) -> Tensor:
        """Apply each class's layer to its own values."""
        return torch.baddbmm(self.bias, values, self.weight)


class CodeLinear(ClassLinear):
    """A linear layer for each class, applied to the code vector: (batch, capsule) to (class, batch, out).

    On a CPU only the weights of capsules that some image of the batch has selected are read, a few hundred of up to
    4,608; the gradient of the others is zero. The result is the same.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Apply each class's layer to the code vectors."""
        weight: Tensor = self.weight
        if values.device.type == "cpu":  # a GPU would have to synchronise for the number of selected capsules
            selected = values.any(dim=0).nonzero().squeeze(1)
            values, weight = values[:, selected], weight.index_select(1, selected)
        return torch.baddbmm(self.bias, values.expand(weight.shape[0], -1, -1), weight)


class CodeNetwork(nn.Module):
    """The hidden layers of a function of the code vector, for each class (Table 1): linear layers with ReLU.

    Arguments:
        widths: length of the code vector, then the width of each hidden layer.
    """

    def __init__(self, classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, *others = pairwise(widths)
        self.layers = nn.ModuleList([CodeLinear(classes, *first), *(ClassLinear(classes, *each) for each in others)])

    def forward(self, code: Tensor) -> Tensor:
        """Last hidden layer (class, batch, widths[-1]) for a code vector (batch, capsule)."""
        values = code
        for layer in self.layers:
            values = torch.relu_(layer(values))
        return values


class FusedPropagation(nn.Module):
    """s_j = Σ_i p_j|i u_i f_j|i(c) (equation 1), where f is linear in its last hidden layer h: f = h W + b.

    The tensor f is never computed: s_j = Σ_h h · ((p ∘ u) W_h) + (p ∘ u) b.
    """

    def __init__(self, classes: int, hidden: int, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, POSE * k, hidden * DIGIT_POSE))
        self.bias = nn.Parameter(torch.empty(classes, POSE * k, DIGIT_POSE))
        initialise(self.weight, self.bias, hidden, POSE * k * DIGIT_POSE)

    def forward(self, hidden: Tensor, weighted: Tensor) -> Tensor:
        """s (class, batch, 16).

        Arguments:
            hidden: h, (class, batch, hidden).
            weighted: p ∘ u, (class, batch, pose · K).
        """
        by_hidden = torch.bmm(weighted, self.weight).unflatten(2, (-1, DIGIT_POSE))
        s = (hidden.unsqueeze(2) @ by_hidden).squeeze(2)  # (class, batch, 1, hidden) @ (…, hidden, 16)
        return torch.baddbmm(s, weighted, self.bias)


class ReferencePropagation(nn.Module):
    """Equation 1 as the paper writes it: f for every class and image, then its product with the capsules."""

    def __init__(self, classes: int, hidden: int, k: int) -> None:
        super().__init__()
        self.function = ClassLinear(classes, hidden, POSE * k * DIGIT_POSE)

    def forward(self, hidden: Tensor, weighted: Tensor) -> Tensor:
        """See `FusedPropagation.forward`."""
        f = self.function(hidden).unflatten(2, (-1, DIGIT_POSE))  # (class, batch, pose · K, 16)
        return (weighted.unsqueeze(2) @ f).squeeze(2)


class FusedRegression(nn.Module):
    """û_j^reg = f_j^reg(c) s_jᵀ (equation 2), where f^reg is linear in its last hidden layer h: f^reg = h W + b.

    The tensor f^reg is never computed: û = (h ⊗ s) W + s b.
    """

    def __init__(self, classes: int, hidden: int, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, hidden * DIGIT_POSE, POSE * k))
        self.bias = nn.Parameter(torch.empty(classes, DIGIT_POSE, POSE * k))
        initialise(self.weight, self.bias, hidden, POSE * k * DIGIT_POSE)

    def forward(self, hidden: Tensor, s: Tensor) -> Tensor:
        """û (class, batch, pose · K) of h (class, batch, hidden) and s (class, batch, 16)."""
        outer = (hidden.unsqueeze(3) * s.unsqueeze(2)).flatten(2)  # (class, batch, hidden · 16)
        return torch.baddbmm(torch.bmm(s, self.bias), outer, self.weight)


class ReferenceRegression(nn.Module):
    """Equation 2 as the paper writes it: f^reg for every class and image, then its product with s."""

    def __init__(self, classes: int, hidden: int, k: int) -> None:
        super().__init__()
        self.function = ClassLinear(classes, hidden, POSE * k * DIGIT_POSE)

    def forward(self, hidden: Tensor, s: Tensor) -> Tensor:
        """As `FusedRegression.forward`."""
        f = self.function(hidden).unflatten(2, (-1, DIGIT_POSE))  # (class, batch, pose · K, 16)
        return (f @ s.unsqueeze(3)).squeeze(3)
