"""The rows of a report's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.plan.trial import row_title
from harness.report.render.numbers import rounded
from harness.report.tables.pairs import Pair, PairFinding
from harness.report.tables.timed import Drift
from harness.statistics.covariate import Slope

if TYPE_CHECKING:
    from harness.analysis.rows import RowsOf

UNPUBLISHED = "nothing published"  # a reason why a row can't be compared, and none against a claim
Word = Literal["reproduced", "contradicted", "undecided"]


@dataclass(frozen=True)
class TableRow:
    """The fields of a row that both tables have. Errors are in percent, times in seconds."""

    variant: str
    label: str
    config: dict[str, Any]
    task: str
    unit: Literal["percent", "seconds"]
    published: float | None
    published_standard_error: float | None
    measured: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    n: int  # seeds of a row of errors, processes of a row of times
    standard_error_over: str  # what it is uncertain by: seeds and images, images alone of one seed, processes
    comparable: bool
    reasons: tuple[str, ...]  # what sets it apart from the published row
    incomplete: str  # how many of its seeds or rounds are done; empty if all or none are
    unlike: str  # why the published number is one of another network; empty if it is not
    status: str  # done, or what is missing

    @property
    def caveats(self) -> tuple[str, ...]:
        """All reasons why it can't be compared with the published row."""
        return (*self.reasons, self.incomplete) if self.incomplete else self.reasons

    @property
    def reason(self) -> str:
        """The caveats in one line, for people."""
        return "; ".join(self.caveats)

    @property
    def difference(self) -> float | None:
        """Measured minus published, of the rounded numbers: 0 where these are equal."""
        ours, theirs = rounded(self.measured), rounded(self.published)
        return None if ours is None or theirs is None else float(rounded(ours - theirs))

    @property
    def title(self) -> str:
        """The variant and what sets its configuration apart."""
        return row_title(self.variant, self.label)


@dataclass(frozen=True)
class ErrorRow(TableRow):
    """A row of the table of errors on one task."""

    test: str  # the test set of `measured`
    images: int  # of the test set
    iterations: int
    fraction: float | None  # of the protocol
    other_tests: dict[str, float]  # mean error on the task's other test sets, percent
    unlearned: int  # of the row's models: no better than the best constant answer
    chance: float | None  # the error of that answer, percent; None where the answers are not known
    falling: float | None  # points by which the error in training fell in its last tenth; None without curves


@dataclass(frozen=True)
class TimeRow(TableRow):
    """A row of the table of times."""

    median: float | None  # over processes, of each one's median
    q25: float | None  # likewise
    q75: float | None
    ratio: float | None  # of the medians, to the baseline, block by block
    ratio_low: float | None
    ratio_high: float | None
    with_data: float | None  # the whole step, the batch's making included
    first_iteration: float | None
    inference_image: float | None  # seconds of a forward pass in evaluation, for one image of a batch
    multiply_adds: float | None  # of a forward pass for one image
    others_cores: float | None  # the most processor cores that others used during one of the processes
    peak_memory_mib: float | None
    parameters: int | None
    batch_size: int
    threads: int
    unsteady: int  # processes whose warm-up never settled
    drifting: int  # processes around which the fixed model's time has changed
    trend: float | None  # the last timed iterations over the first ones, where they are shown to differ
    trend_low: float | None
    trend_high: float | None


@dataclass(frozen=True)
class SpeedRow:
    """A timed row beside its reference, block by block. Times in seconds, memory without the interpreter's."""

    title: str
    reference: str
    seconds: float | None  # medians
    reference_seconds: float | None
    faster: float | None  # the reference's time over this one
    faster_low: float | None
    faster_high: float | None
    memory_mib: float | None
    reference_memory_mib: float | None
    reference_gflop: float | None  # arithmetic of the reference's iteration
    gflops: float | None  # that arithmetic over this row's time, per second
    matrix_product_share: float | None  # of the rate of a large matrix product in the same processes


@dataclass(frozen=True)
class PairRow:
    """A comparison of two rows of the table of errors on the same task, in percentage points."""

    title: str
    other: str
    task: str
    test: str
    pair: Pair
    level: float  # that the p-value had to pass, and at which its interval stands (Holm, over the rows of the task)
    finding: PairFinding

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the difference, at the level of the finding."""
        return self.pair.estimate.interval(self.level)

    @property
    def detectable(self) -> float:
        """The difference that would be detected at this level with a power of 80%."""
        return self.pair.estimate.detectable(self.level)


@dataclass(frozen=True)
class Verdict:
    """A claim and the verdict on it."""

    sentence: str
    where: str
    word: Word
    evidence: str
    scope: str  # what sets the measured rows apart from the paper's
    family: str = ""  # of claims that were corrected together
    p: float | None = None  # corrected for them; None where nothing can be decided
    each: Word | None = None  # whether each row alone shows it; None where that was not asked


@dataclass(frozen=True)
class Method:
    """How the numbers of some rows were obtained."""

    what: str  # that was measured
    rows: str
    text: str
    source: str  # where the settings come from


@dataclass(frozen=True)
class RunLine:
    """A trial and its run in MLflow."""

    name: str
    status: str
    run_id: str  # empty where it was not started


@dataclass(frozen=True)
class Origin:
    """What made a report, so that it can be made again; pages are URLs in MLflow's user interface."""

    command: str
    suite: str  # the suite's file, whole; empty if an older harness did not keep it
    code: dict[str, str]
    page: str  # of the run that holds the report
    pages: dict[str, str]  # of the trials' runs, by run id


@dataclass(frozen=True)
class Tables:
    """All that a report shows."""

    suite: str
    profile: str | None
    fraction: float | None
    budget: float | None
    precision: str
    error_title: str
    errors: list[ErrorRow]
    time_title: str
    times: list[TimeRow]
    speed: list[SpeedRow]
    baseline: str  # the row of the table of times that the others are compared with
    drift: Drift | None  # of the machine over the rounds of timing
    slope: Slope  # how the times follow the fixed model's, which ratios make use of
    failures: dict[str, str]  # cause by trial's name
    environments: int  # different machines or versions among the results
    environment: dict[str, str]  # of the newest
    overhead: dict[str, float]  # of the harness, in seconds and shares
    verdicts: list[Verdict]  # on the suite's claims
    families: dict[str, str]  # what the families of claims hold, by name
    pairs: list[PairRow]  # rows of the table of errors beside the baseline
    rows_of: RowsOf | None  # what figures are drawn from
    methods: list[Method]
    runs: list[RunLine]
    origin: Origin | None = None
