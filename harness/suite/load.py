"""Read a suite from its file and apply a profile, and a budget or a fraction of the protocols."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import UserError
from harness.paths import usable
from harness.registry import nearest
from harness.suite.consistency import check_names, check_trials
from harness.suite.explain import explain
from harness.suite.fields import seconds
from harness.suite.profile import Profile
from harness.suite.protocol import Settings
from harness.suite.published import find_published
from harness.suite.resources import Resources
from harness.suite.schema import ErrorTable, Suite
from harness.suite.yamlfile import LARGEST, parse_yaml, read_yaml
from harness.textfile import is_pipe, read_text


class ResolvedSuite(Settings):
    """A suite with its profile applied, and the file that it was read from."""

    suite: Suite
    profile: str | None
    budget: float | None  # seconds
    fraction: float | None  # of every protocol; None: all, or what the budget allows
    path: Path
    folder: Path  # the base of relative paths in the suite: the file's folder; the working directory if it was piped
    text: str  # of the file

    def plugin_paths(self) -> list[Path]:
        """Return the files of the plugins that the suite names."""
        return self._found("plugins", self.suite.plugins, lambda path: self.folder / usable(path))

    def published_paths(self) -> list[Path]:
        """Return the files of published numbers that the suite names.

        Raises:
            UserError: no published numbers have such a name.
        """
        return self._found("published", self.suite.published, lambda named: find_published(named, self.folder))

    def _found(self, key: str, named: list[str], find: Callable[[str], Path]) -> list[Path]:
        try:
            return [find(each) for each in named]
        except UserError as error:
            raise UserError(f"{self.path}: {key}: {error}") from None


def load_suite(
    path: Path, profile: str | None = None, budget: str | None = None, fraction: float | None = None
) -> ResolvedSuite:
    """Read a suite and apply a profile, and a budget or a fraction of the protocols instead of the suite's own.

    Raises:
        UserError: the file, one of its keys, the profile, the budget or the fraction is not valid.
    """
    text = read_text(path, LARGEST, may_be_pipe=True)
    document = parse_yaml(text, path)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, Suite)}.") from None
    _check(suite, path)
    if profile is not None and profile not in suite.profiles:
        raise UserError(f"{path}: unknown profile '{profile}': {nearest(profile, suite.profiles)}.")
    limit, share = _asked(budget, fraction) or _listed(suite, profile)
    if profile is not None:
        suite = apply_profile(suite, profile)
    folder = Path.cwd() if is_pipe(path) else path.resolve().parent
    return ResolvedSuite(
        suite=suite, profile=profile, budget=limit, fraction=share, path=path, folder=folder, text=text
    )


def suite_name(text: str) -> str:
    """Return the name of a suite that is given by its name or by its file.

    Raises:
        UserError: the file can't be read, or has no name.
    """
    path = Path(text)
    if path.suffix not in {".yaml", ".yml"}:
        return text
    name = read_yaml(path).get("name")
    if not isinstance(name, str):
        raise UserError(f"{path} has no 'name'; name a suite's file.")
    return name


def _asked(budget: str | None, fraction: float | None) -> tuple[float | None, float | None] | None:
    """Return the budget and the fraction of the command line; None if it gives neither."""
    if budget is not None and fraction is not None:
        raise UserError("--budget and --fraction exclude one another; give one of them.")
    if budget is not None:
        try:
            return seconds(budget), None
        except ValueError as error:
            raise UserError(f"--budget: {error}.") from None
    if fraction is not None and not 0 < fraction <= 1:
        raise UserError(f"--fraction is {fraction}; allowed: above 0, up to 1.")
    return None if fraction is None else (None, fraction)


def _listed(suite: Suite, name: str | None) -> tuple[float | None, float | None]:
    """Return the budget and the fraction of a profile if it has either, else those of the suite."""
    profile = suite.profiles[name] if name is not None else Profile()
    if profile.budget is not None or "fraction" in profile.model_fields_set:
        return profile.budget, profile.fraction
    return None, suite.fraction


def _check(suite: Suite, path: Path) -> None:
    """Check that the suite fits together under every profile.

    Raises:
        UserError: it does not.
    """
    try:
        check_names(suite)
        check_trials(suite, None)
        for name in suite.profiles:
            check_trials(apply_profile(suite, name), name)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def apply_profile(suite: Suite, name: str) -> Suite:
    """Apply a profile to the protocols, timing, seeds and resources of a suite.

    The profile's `config` is left to the plan, which knows the variants.

    Raises:
        UserError: the result is not valid.
    """
    profile = suite.profiles[name]
    update: dict[str, Any] = {
        "protocols": {key: profile.protocol_of(key, each, name) for key, each in suite.protocols.items()}
    }
    if "precision" in profile.model_fields_set:
        update["precision"] = profile.precision or Suite.model_fields["precision"].default
    if "resources" in profile.model_fields_set:
        change = profile.resources
        update["resources"] = change.of(suite.resources, f"profiles.{name}.resources") if change else Resources()
    if suite.errors is not None:
        update["errors"] = _changed_errors(suite.errors, profile)
    if suite.times is not None:
        update["times"] = profile.timing.of(suite.times, f"profiles.{name}.timing")
    return suite.model_copy(update=update)


def _changed_errors(table: ErrorTable, profile: Profile) -> ErrorTable:
    """Apply a profile's numbers of images and its seeds, which replace those of rows too, to the table of errors."""
    images = {"train_images", "test_images"} & profile.model_fields_set
    update: dict[str, Any] = {name: getattr(profile, name) for name in images}
    if profile.seeds is not None:
        update["seeds"] = profile.seeds
        update["rows"] = [row.model_copy(update={"seeds": None}) for row in table.rows]
    return table.model_copy(update=update)
