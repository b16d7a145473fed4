"""A suite: what is to be trained and timed, on what, how. Read from YAML; unknown keys are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from harness.claims import Claim
from harness.errors import UserError
from harness.explain import explain
from harness.fields import Duration, Name, Seeds, distinct, seconds
from harness.paths import usable
from harness.profile import Profile, ProtocolChange, changed_protocol
from harness.protocol import Precision, Protocol, Settings, TimingProtocol
from harness.registry import nearest
from harness.textfile import is_pipe, read_text
from harness.yamlfile import LARGEST, parse_yaml

TAKEN = {"default"}  # names in lower case
MOST_TRIALS = 100_000


def _free_name(name: str) -> str:
    if name.lower() in TAKEN:
        raise ValueError(f"{name!r} is a name that MLflow uses itself; choose another one")
    return name


def _profile_name(name: str) -> str:
    if name == "none":
        raise ValueError("'none' is what a run without a profile is called in the record; choose another name")
    return name


SuiteName = Annotated[Name, AfterValidator(_free_name)]
ProfileName = Annotated[Name, AfterValidator(_profile_name)]


class Row(Settings):
    """A line of a table: a variant in one configuration."""

    variant: str = Field(description="the registered name of a variant")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of the variant")


class TrainedRow(Row):
    """A line of Table 2, with the protocol that trains it."""

    protocol: str = Field(description="a name under `protocols`")


class ErrorTable(Settings):
    """Table 2: test error of each row on each task, over seeds."""

    tasks: Annotated[list[str], AfterValidator(distinct)] = Field(
        min_length=1, description="datasets to train and test on"
    )
    seeds: Seeds = Field(min_length=1, description="one trial each")
    train_images: int | None = Field(None, ge=1, description="training images at most, drawn by class; default: all")
    test_images: int | None = Field(None, ge=1, description="images of each test at most, drawn by class; default: all")
    rows: list[TrainedRow] = Field(min_length=1, max_length=1000)


class TimedRow(Row):
    """A line of Table 3, and what it is to be compared with."""

    reference: dict[str, Any] | None = Field(
        None, description="settings of the same variant that make its reference, which is timed as well"
    )


class TimeTable(TimingProtocol):
    """Table 3: seconds per training iteration of each row; the speed table of those with a reference."""

    learning_rate: float = Field(1e-3, gt=0, le=1, description="of the optimiser that is timed")
    baseline: Row | None = Field(None, description="the row that the others are compared with; else the first")
    rows: list[TimedRow] = Field(min_length=1, max_length=1000)


class Resources(Settings):
    """What a training trial takes of the machine it runs on."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU where the cluster has one")
    threads: int = Field(1, ge=1, le=1024, description="processor threads of a trial without a GPU")
    gpus: float = Field(1.0, gt=0, le=1, description="the share of a GPU that a trial takes")
    memory_gb: float = Field(2.0, ge=0, le=4096, description="GiB of main memory that a trial reserves")


class Suite(Settings):
    """All that `run` needs to know."""

    name: SuiteName = Field(description="names the experiment and the folder of the report")
    description: str = ""
    plugins: list[str] = Field(default_factory=list, description="Python files that register variants")
    published: list[str] = Field(default_factory=list, description="files of published numbers")
    config: dict[str, Any] = Field(default_factory=dict, description="settings of every row; its own come first")
    precision: Precision = Field(
        "float32", description="tf32: products of a GPU in TensorFloat-32; bfloat16: forward passes under autocast"
    )
    resources: Resources = Resources()
    deadline: Duration | None = Field(None, description="how long one trial may take before it is stopped")
    keep_models: Literal["first", "all", "none"] = Field(
        "first", description="whose trained parameters are kept: those of the first seed, of all seeds, or none"
    )
    attempts: int = Field(3, ge=1, le=100, description="how often a trial is tried when its worker is lost")
    protocols: dict[Name, Protocol] = Field(default_factory=dict, max_length=1000)
    table2: ErrorTable | None = Field(None, description="test errors")
    table3: TimeTable | None = Field(None, description="times per training iteration")
    claims: list[Claim] = Field(default_factory=list, max_length=1000, description="what a paper says of these rows")
    families: dict[Name, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, max_length=100, description="claims that are corrected together: what each family holds"
    )
    profiles: dict[ProfileName, Profile] = Field(default_factory=dict, max_length=100)

    def keeps_model(self, seed: int) -> bool:
        """Whether the models of a seed are kept."""
        first = self.table2.seeds[0] if self.table2 is not None else None
        return self.keep_models == "all" or (self.keep_models == "first" and seed == first)


class Chosen(Settings):
    """A suite with its profile applied, and where it was read."""

    suite: Suite
    profile: str | None
    budget: float | None  # seconds
    path: Path
    folder: Path  # that the suite's own paths are relative to: its file's, or the working directory if it was piped
    text: str  # as it was read

    def plugin_paths(self) -> list[Path]:
        """The plugins that the suite names."""
        return self._named("plugins", self.suite.plugins)

    def published_paths(self) -> list[Path]:
        """The files of published numbers that the suite names."""
        return self._named("published", self.suite.published)

    def _named(self, key: str, paths: list[str]) -> list[Path]:
        try:
            return [self.folder / usable(path) for path in paths]
        except UserError as error:
            raise UserError(f"{self.path}: {key}: {error}") from None


def load_suite(path: Path, profile: str | None = None, budget: str | None = None) -> Chosen:
    """Read a suite and apply a profile and a budget.

    Raises:
        UserError: what is wrong with the file, its keys, the profile or the budget.
    """
    text = read_text(path, LARGEST, may_be_pipe=True)
    document = parse_yaml(text, path)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, Suite)}.") from None
    _check_references(suite, path)
    limit = None
    if profile is not None:
        if profile not in suite.profiles:
            raise UserError(f"{path}: unknown profile '{profile}': {nearest(profile, suite.profiles)}.")
        limit = suite.profiles[profile].budget
    if budget is not None:
        try:
            limit = seconds(budget)
        except ValueError as error:
            raise UserError(f"--budget: {error}.") from None
    suite = apply_config(suite, suite.config, override=False)
    if profile is not None:
        suite = apply_profile(suite, profile)
    folder = Path.cwd() if is_pipe(path) else path.resolve().parent
    return Chosen(suite=suite, profile=profile, budget=limit, path=path, folder=folder, text=text)


def _check_references(suite: Suite, path: Path) -> None:
    if suite.table2 is None and suite.table3 is None:
        raise UserError(f"{path}: neither 'table2' nor 'table3' is there, so there is nothing to run; add one.")
    for number, row in enumerate(suite.table2.rows if suite.table2 else []):
        if row.protocol not in suite.protocols:
            raise UserError(
                f"{path}: table2.rows.{number}.protocol: unknown protocol '{row.protocol}': "
                f"{nearest(row.protocol, suite.protocols)}."
            )
    _check_families(suite, path)
    _check_trials(suite, None, path)
    for name, profile in suite.profiles.items():
        for changed in profile.protocols:
            if changed not in suite.protocols:
                near = nearest(changed, suite.protocols)
                raise UserError(f"{path}: profiles.{name}.protocols: unknown protocol '{changed}': {near}.")
        _check_trials(apply_profile(suite.model_copy(update={"config": {}}), name), name, path)


def _check_families(suite: Suite, path: Path) -> None:
    """Refuse families that a claim names and nobody has listed, and those that no claim names.

    Raises:
        UserError: there is one.
    """
    for number, claim in enumerate(suite.claims):
        if claim.family is not None and claim.family not in suite.families:
            near = nearest(claim.family, suite.families)
            raise UserError(
                f"{path}: claims.{number}.family: unknown family '{claim.family}': {near}; or list it under 'families'."
            )
    named = {claim.family for claim in suite.claims}
    for name in suite.families:
        if name not in named:
            raise UserError(f"{path}: families.{name}: no claim names this family; name it in one or remove it.")


def _check_trials(suite: Suite, profile: str | None, path: Path) -> None:
    """Refuse what would be planned for hours.

    Raises:
        UserError: a suite of more trials than there may be.
    """
    errors, times = suite.table2, suite.table3
    trials = len(errors.rows) * len(errors.tasks) * len(errors.seeds) if errors is not None else 0
    if times is not None:
        references = sum(row.reference is not None for row in times.rows)
        trials += (len(times.rows) + references + 1) * times.rounds  # and the sentinel
    if trials > MOST_TRIALS:
        where = f"profiles.{profile}: " if profile is not None else ""
        raise UserError(
            f"{path}: {where}rows, tasks, seeds and rounds come to {trials:,} trials; {MOST_TRIALS:,} are the most "
            f"of one suite: split it."
        )


def apply_profile(suite: Suite, name: str) -> Suite:
    """The suite with a profile's changes made to its rows, protocols, timing, seeds and resources."""
    profile = suite.profiles[name]
    protocols = {
        key: changed_protocol(protocol, [profile.protocol, profile.protocols.get(key, ProtocolChange())], name)
        for key, protocol in suite.protocols.items()
    }
    update: dict[str, Any] = {"protocols": protocols}
    if "precision" in profile.model_fields_set:
        update["precision"] = profile.precision or Suite.model_fields["precision"].default
    if "resources" in profile.model_fields_set:
        update["resources"] = profile.resources.of(suite.resources) if profile.resources else Resources()
    if suite.table2 is not None:
        images = {"train_images", "test_images"} & profile.model_fields_set
        errors: dict[str, Any] = {name: getattr(profile, name) for name in images}
        update["table2"] = suite.table2.model_copy(update={"seeds": profile.seeds or suite.table2.seeds, **errors})
    if suite.table3 is not None:
        update["table3"] = profile.timing.of(suite.table3)
    return apply_config(suite.model_copy(update=update), profile.config, override=True)


def apply_config(suite: Suite, config: dict[str, Any], *, override: bool) -> Suite:
    """The suite with settings given to every row, over or under the row's own."""

    def told(row: Row) -> Row:
        return row.model_copy(update={"config": {**row.config, **config} if override else {**config, **row.config}})

    update: dict[str, Any] = {}
    if suite.table2 is not None:
        update["table2"] = suite.table2.model_copy(update={"rows": [told(row) for row in suite.table2.rows]})
    if suite.table3 is not None:
        times: dict[str, Any] = {"rows": [told(row) for row in suite.table3.rows]}
        if suite.table3.baseline is not None:
            times["baseline"] = told(suite.table3.baseline)
        update["table3"] = suite.table3.model_copy(update=times)
    return suite.model_copy(update=update)
