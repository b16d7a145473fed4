"""Whether the claims of a suite can be judged: they are what their kind asks for, of settings that rows have."""

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
        UserError: a claim of an unknown kind, one that is not what its kind asks for, or one about a setting that none
            of its variant's rows has.
    """
    configs = {row.variant: row.config for row in rows}  # all rows of a variant have the same settings
    for number, each in enumerate(claims):
        where = f"claims.{number}"
        claim: BaseClaim = read_claim(each, where) if isinstance(each, OtherClaim) else each
        for key, value in claim:
            if isinstance(value, RowSelector) and value.variant in configs:
                _check_selector(value, configs[value.variant], f"{where}.{key}")


def check_known_claims(resolved: ResolvedSuite) -> None:
    """Refuse claims that are not what their kind asks for; a kind that is not known here may come with a plugin.

    Raises:
        UserError: there is one.
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
