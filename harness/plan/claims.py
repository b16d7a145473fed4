"""Check that the claims of a suite can be judged: they are valid, and are about settings that rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.claims import judged_kinds, read_claim
from harness.errors import UserError
from harness.plan.plan import PlannedRow
from harness.registry import nearest
from harness.suite.claims import BaseClaim, Claim, OtherClaim, RowSelector
from harness.suite.load import ResolvedSuite


def check_claims(claims: Sequence[Claim], rows: Sequence[PlannedRow]) -> None:
    """Refuse claims that could only stay undecided.

    Raises:
        UserError: a claim is of an unknown kind, is not valid, or is about a setting that its variant does not have.
    """
    configs = {row.variant: row.config for row in rows}  # all rows of a variant have the same settings
    for number, each in enumerate(claims):
        where = f"claims.{number}"
        claim: BaseClaim = read_claim(each, where) if isinstance(each, OtherClaim) else each
        for key, value in claim:
            if isinstance(value, RowSelector) and value.variant in configs:
                _check_selector(value, configs[value.variant], f"{where}.{key}")


def check_known_claims(resolved: ResolvedSuite) -> None:
    """Refuse invalid claims of the kinds that are known; an unknown kind may come with a plugin.

    Raises:
        UserError: a claim is not valid.
    """
    others = {f"claims.{n}": each for n, each in enumerate(resolved.suite.claims) if isinstance(each, OtherClaim)}
    kinds = judged_kinds() if others else {}
    for where, claim in others.items():
        if claim.kind in kinds:
            try:
                read_claim(claim, where)
            except UserError as error:
                raise UserError(f"{resolved.path}: {error}") from None


def _check_selector(selector: RowSelector, config: Mapping[str, Any], where: str) -> None:
    for name in sorted(selector.config.keys() - config.keys()):
        raise UserError(f"{where}: variant '{selector.variant}' has no setting '{name}': {nearest(name, config)}.")
