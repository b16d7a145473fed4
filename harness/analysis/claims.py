"""The kinds of claims that analyses can judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.analysis.base import ANALYSES, Analysis, kind_of
from harness.errors import UserError
from harness.registry import nearest
from harness.suite.claims import KINDS, ModelClaim, OtherClaim
from harness.suite.explain import explain

if TYPE_CHECKING:
    from harness.report.judging.part import Evidence, Part

Judge = Callable[[Any, "Evidence"], "list[Part]"]  # the comparisons that a claim rests on


def judged_kinds() -> dict[str, tuple[type[ModelClaim], Judge]]:
    """The class of claims of each kind that a registered analysis can judge, and how it is judged."""
    return {kind: each for name in ANALYSES.names() for kind, each in kinds_of(ANALYSES.get(name)).items()}


def kinds_of(analysis: type[Analysis]) -> dict[str, tuple[type[ModelClaim], Judge]]:
    """Likewise of one analysis."""
    claims: Mapping[type[ModelClaim], Judge] = analysis.claims
    return {kind_of(model): (model, judge) for model, judge in claims.items()}


def read_claim(claim: OtherClaim, where: str) -> ModelClaim:
    """A claim as its kind has it.

    Arguments:
        where: it stands in the suite.

    Raises:
        UserError: no analysis has its kind, or a key is unknown, missing or has a value that does not fit.
    """
    kinds = judged_kinds()
    if claim.kind not in kinds:
        raise UserError(f"{where}.kind: unknown kind of claim '{claim.kind}': {nearest(claim.kind, [*KINDS, *kinds])}.")
    model, _ = kinds[claim.kind]
    try:
        return model.model_validate(claim.model_dump())
    except ValidationError as error:
        raise UserError(f"{explain(error, model, f'{where}.')}.") from None


def read_recorded(claim: OtherClaim) -> tuple[ModelClaim, Judge]:
    """A claim of a known kind as any version of that has written it, and how it is judged.

    Raises:
        ValidationError: it can't be read even so.
    """
    model, judge = judged_kinds()[claim.kind]
    return model.model_validate(claim.model_dump(), extra="ignore"), judge
