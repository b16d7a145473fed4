"""The losses of the papers; each is a mean over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from variants.contract import Config


class MarginConfig(Config):
    """Configuration of a variant with the margin loss."""

    m_plus: float = Field(0.9, ge=0, le=1, description="m⁺: the present class should be more active than this")
    m_minus: float = Field(0.1, ge=0, le=1, description="m⁻: an absent class should be less active than this")
    down_weight: float = Field(0.5, ge=0, le=10, description="λ, factor of the absent classes in the margin loss")


def margin_loss(activities: Tensor, labels: Tensor, m_plus: float, m_minus: float, down_weight: float) -> Tensor:
    """Σ_k T_k max(0, m⁺ − a_k)² + λ (1 − T_k) max(0, a_k − m⁻)² (Sabour et al. 2017, equation 4).

    Arguments:
        activities: (batch, classes), the lengths ‖v_k‖ in CapsNet, the similarities d_k in L-CapsNet.
        labels: (batch,) int64.
        down_weight: λ.
    """
    truth = F.one_hot(labels, activities.shape[1]).to(activities.dtype)
    present = F.relu(m_plus - activities).square()
    absent = F.relu(activities - m_minus).square()
    return (truth * present + down_weight * (1 - truth) * absent).sum(dim=1).mean()


def regression_error_loss(errors: Tensor, labels: Tensor, error_margin: float) -> Tensor:
    """Σ_k T_k e_k² + (1 − T_k) max(0, m − e_k)²: the loss of the authors' code, of the regression errors e_k.

    Arguments:
        errors: (batch, classes).
        labels: (batch,) int64.
    """
    truth = F.one_hot(labels, errors.shape[1]).to(errors.dtype)
    absent = F.relu(error_margin - errors).square()
    return (truth * errors.square() + (1 - truth) * absent).sum(dim=1).mean()


def reconstruction_loss(reconstruction: Tensor, images: Tensor) -> Tensor:
    """Sum of squared errors over an image's pixels (Sabour et al. 2017, section 4.1).

    Arguments:
        reconstruction: (batch, channels · height · width).
        images: (batch, channels, height, width).
    """
    return (reconstruction - images.flatten(1)).square().sum(dim=1).mean()


def code_distance(code: Tensor, activities: Tensor) -> Tensor:
    """‖c − A‖², the sum over capsules (ladder paper, section 4).

    Arguments:
        code: (batch, capsules), the code vector.
        activities: (batch, capsules), the activities A of the primary capsules.
    """
    return (code - activities).square().sum(dim=1).mean()


def mean_code_difference(code: Tensor, activities: Tensor) -> Tensor:
    """The mean of |c − A| over capsules: the regulariser of the authors' code; shapes as in `code_distance`."""
    return torch.abs(code - activities).mean()
