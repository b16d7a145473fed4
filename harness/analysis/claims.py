"""The kinds of claims that analyses can judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from harness.analysis.base import ANALYSES, Analysis, Judge, kind_of
from harness.errors import UserError
from harness.registry import nearest
from harness.suite.claims import KINDS, ModelClaim, OtherClaim
from harness.suite.explain import explain


@dataclass(frozen=True)
class JudgedKind:
    """A kind of claims that an analysis can judge.

    analysis: its registered name.
    claim: the class of the claims.
    """

    analysis: str
    claim: type[ModelClaim]
    judge: Judge


def judged_kinds() -> dict[str, JudgedKind]:
    """The kinds of claims that the registered analyses can judge, by the kind's name."""
    return {kind: each for name in ANALYSES.names() for kind, each in kinds_of(name, ANALYSES.get(name)).items()}


def kinds_of(name: str, analysis: type[Analysis]) -> dict[str, JudgedKind]:
    """The kinds of claims that one analysis, registered under a name, can judge."""
    claims: Mapping[type[ModelClaim], Judge] = analysis.claims
    return {kind_of(model): JudgedKind(name, model, judge) for model, judge in claims.items()}


def read_claim(claim: OtherClaim, where: str) -> ModelClaim:
    """Read a claim as an instance of its kind's class.

    Arguments:
        where: its place in the suite, such as `claims.0`, for messages.

    Raises:
        UserError: no analysis has its kind, or a key is unknown, missing or has a value that does not fit.
    """
    kinds = judged_kinds()
    if claim.kind not in kinds:
        raise UserError(f"{where}.kind: unknown kind of claim '{claim.kind}': {nearest(claim.kind, [*KINDS, *kinds])}.")
    model = kinds[claim.kind].claim
    try:
        return model.model_validate(claim.model_dump())
    except ValidationError as error:
        raise UserError(f"{explain(error, model, f'{where}.')}.") from None


def read_recorded(claim: OtherClaim, kind: JudgedKind) -> ModelClaim:
    """Read a claim of a record, which another version of its kind may have written: unknown keys are ignored.

    Raises:
        ValidationError: a key is missing or has a value that does not fit.
    """
    return kind.claim.model_validate(claim.model_dump(), extra="ignore")
