"""An analysis of the user's: what it measures, draws and judges goes all the way through a run."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.analysis import ANALYSES
from harness.analysis.claims import judged_kinds
from harness.errors import UserError
from harness.plan.budget import Cost
from harness.plan.make import make_plan
from harness.plan.plan import Plan
from harness.plan.trial import Trial
from harness.plugins.load import load_plugin, texts_when_loaded
from harness.record.reader import RunReader
from harness.record.recorded import RecordedTraining
from harness.record.tracking_uri import artifact_folder, default_tracking_uri
from harness.record.writer import RunWriter
from harness.report.build import read_tables
from harness.report.figures.all_figures import draw_all
from harness.report.render.formats import FORMATS
from harness.run import plugins_of
from harness.suite.load import load_suite
from harness.worker.context import WorkerContext
from harness.worker.forkserver import ForkServer
from harness.worker.result import Result
from tests.harness.analysis.fakes import drawer, examples, row, rows, trained

Write = Callable[..., Path]
PAUSE = 0.8  # seconds
PLUGIN = f"""
import time
from functools import partial
from typing import Literal

import numpy as np

from harness.analysis import Analysis, Comparison, Finding, FigureSpec, register
from harness.suite.claims import ModelClaim


class SurerThan(ModelClaim):
    kind: Literal["surer_than"]
    share: float


def surer(claim, rows):
    print("judged")
    comparisons = []
    for row in rows.select(claim.of, claim.task):
        [arrays] = row.arrays()
        mean = float(arrays["certainty"].mean())
        comparisons.append(
            Comparison(f"{{row.title}} is {{mean:.2f}} sure", Finding(mean > claim.share, 0.001), rows=[row])
        )
    return comparisons


@register("certainty")
class Certainty(Analysis):
    \"\"\"How sure a model is.

    Of each image of the first test.
    \"\"\"

    claims = {{SurerThan: surer}}

    def measure(self, trained):
        time.sleep({PAUSE})
        largest = [output.activities.softmax(1).amax(1).numpy() for _, output in trained.outputs(trained.test)]
        return {{"certainty": np.concatenate(largest)}}

    def figures(self, rows):
        for task, found in rows.by_task(lambda row: row.first().get("certainty")).items():
            yield FigureSpec("certainty", (task,), partial(draw, found))


def draw(found, name):
    from harness.drawing.captioned_figure import CaptionedFigure
    from harness.drawing.plots import new_figure

    figure = new_figure(4, 3)
    figure.subplots().hist(list(found.values()))
    return CaptionedFigure(name, "Certainty", "How sure.", f"{{', '.join(found)}}.", figure)


@register("broken")
class Broken(Analysis):
    def measure(self, trained):
        raise RuntimeError("no idea")

    def figures(self, rows):
        raise SystemExit("no figure")
"""
CLAIM = """
claims:
  - {kind: surer_than, sentence: it is sure, of: {variant: tiny}, task: tiny-digits, share: 0.1}
"""


@pytest.fixture
def plugin(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin, loaded until the test ends."""
    ANALYSES.names()
    for known in ("_classes", "_registered_by"):
        monkeypatch.setattr(ANALYSES, known, dict(getattr(ANALYSES, known)))
    path = write(PLUGIN, "mine.py")
    load_plugin(path)
    return path


@pytest.fixture
def plan(tiny_suite: Path, plugin: Path, tmp_path: Path) -> Plan:
    """The plan of the tiny suite with a claim of the plugin's kind."""
    tiny_suite.write_text(tiny_suite.read_text() + CLAIM)
    return make_plan(load_suite(tiny_suite), tmp_path)


@pytest.fixture(scope="module")
def template() -> Iterator[ForkServer]:
    made = ForkServer()
    yield made
    made.stop()


def context_of(trial: Trial, plugins: list[Path], folder: Path) -> WorkerContext:
    mine, others = plugins_of(trial, plugins)
    known: dict[str, Any] = {
        "plugins": tuple(mine),
        "fallback_plugins": tuple(others),
        "plugin_texts": texts_when_loaded([*mine, *others]),
    }
    return WorkerContext(data=folder, checkpoints=folder / "checkpoints", threads=1, **known)


def test_from_a_process_of_its_own_to_the_report(
    plan: Plan, plugin: Path, tiny: Path, template: ForkServer, results: Path, tmp_path: Path
) -> None:
    trial = next(trial for trial in plan.trials if trial.kind == "training")
    context = context_of(trial, [tiny, plugin], tmp_path)
    plugin.unlink()  # as on another machine: what the driver has read travels with the trial
    cost = template.run("estimate_cost", trial, context, lambda _: None)
    assert isinstance(cost, Cost)
    assert cost.setup > PAUSE
    result = template.run("execute_trial", trial, context, lambda _: None)
    assert isinstance(result, Result)
    assert result.arrays.keys() == {"certainty", "mistakes"}
    assert result.arrays["certainty"]["certainty"].shape == (45,)

    tracking_uri = default_tracking_uri(results)
    record = RunWriter(tracking_uri, plan.suite, artifact_folder(tracking_uri, results))
    invocation = record.begin_invocation(plan, [], "the command")
    record.begin(trial)
    record.finish(trial, result)
    record.end_invocation(invocation, "FINISHED")
    reader = RunReader(tracking_uri, plan.suite)
    recorded = reader.trials()[trial.key]
    assert isinstance(recorded, RecordedTraining)
    assert (recorded.arrays("certainty")["certainty"] == result.arrays["certainty"]["certainty"]).all()
    assert recorded.arrays("nonesuch") == {}

    tables = read_tables(reader, None)
    [verdict] = tables.verdicts
    assert (verdict.word, verdict.sentence) == ("reproduced", "it is sure")
    assert "tiny h=6 is " in verdict.evidence
    figures = draw_all(tables.rows_of)
    drawn = {figure.name: figure for figure in figures.drawn}
    assert drawn["certainty-tiny-digits"].alt_text == "tiny h=6."
    assert any(line.startswith("broken: ") for line in figures.left_out)
    assert "certainty-tiny-digits.pdf" in figures.files()

    with ANALYSES.apart():  # somebody who does not have the plugin
        tables = read_tables(reader, None)
        [verdict] = tables.verdicts
        assert (verdict.word, verdict.sentence) == ("undecided", "it is sure")
        assert "judges 'surer_than' is not loaded here; name its file with --plugin" in verdict.evidence
        assert "it is sure" in FORMATS["md"](tables)


def test_trainings_have_every_analysis_and_timings_none(plan: Plan, plugin: Path, tiny: Path) -> None:
    training, timing = (next(t for t in plan.trials if t.kind == kind) for kind in ("training", "timing"))
    assert plugins_of(training, [tiny, plugin]) == ([tiny, plugin], [])
    assert plugins_of(timing, [tiny, plugin]) == ([tiny], [plugin])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "surer_than",
            "surer_then",
            ["claims.0.kind: unknown kind of claim 'surer_then'", "'surer_than'", "time_ratio"],
        ),
        ("surer_than", "7", ["'claims.0.kind' is 7"]),
        ("share: 0.1", "shape: 0.1", ["unknown key 'claims.0.shape'", "did you mean 'share'?"]),
        (", share: 0.1", "", ["'claims.0.share' is missing"]),
        ("share: 0.1", "share: much", ["'claims.0.share' is 'much'"]),
        ("sentence: it is sure, ", "", ["'claims.0.sentence' is missing"]),
        (
            "{variant: tiny}, task",
            "{variant: tiny, config: {hiden: 1}}, task",
            ["claims.0.of: ", "did you mean 'hidden'?"],
        ),
        ("surer_than", "coupling_follows_activity", ["unknown key 'claims.0.share'"]),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_a_claim_that_is_written_wrongly_is_one_sentence(
    tiny_suite: Path, tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert old in CLAIM
    tiny_suite.write_text(tiny_suite.read_text() + CLAIM.replace(old, new))
    with pytest.raises(UserError) as told:
        make_plan(load_suite(tiny_suite), tmp_path)
    assert str(told.value).startswith(f"{tiny_suite}: ")
    assert len(str(told.value).splitlines()) == 1
    for part in said:
        assert part in str(told.value)


def test_a_suite_is_read_before_its_plugins_are_loaded(tiny_suite: Path, tmp_path: Path) -> None:
    tiny_suite.write_text(tiny_suite.read_text() + CLAIM)
    chosen = load_suite(tiny_suite)
    with pytest.raises(UserError, match=r"claims.0.kind: unknown kind of claim 'surer_than': available: clearer_sep"):
        make_plan(chosen, tmp_path)


def test_a_plan_keeps_a_claim_as_it_was_written(plan: Plan) -> None:
    [claim] = plan.model_dump(mode="json")["claims"]
    assert claim == {
        "kind": "surer_than",
        "sentence": "it is sure",
        "where": "",
        "family": None,
        "of": {"variant": "tiny"},
        "task": "tiny-digits",
        "share": 0.1,
    }
    assert Plan.model_validate_json(plan.model_dump_json(), extra="ignore") == plan


def test_the_example_of_the_manual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ANALYSES.names()
    for known in ("_classes", "_registered_by"):
        monkeypatch.setattr(ANALYSES, known, dict(getattr(ANALYSES, known)))
    path = tmp_path / "manual.py"
    path.write_text(manual_blocks()[0], encoding="utf-8")
    load_plugin(path)
    analysis, test = ANALYSES.get("certainty")(), examples()
    arrays = analysis.measure(trained(drawer(), test))
    assert arrays["certainty"].shape == (len(test),)
    [spec] = analysis.figures(rows(row("x", "a", arrays), row("y", "a"), row("z", "b", {})))
    drawn = spec.draw(spec.name).rendered()
    assert (drawn.name, drawn.alt_text) == ("certainty-a", "Rows: x.")


def test_the_kind_of_claim_of_the_manual(tmp_path: Path) -> None:
    path = tmp_path / "manual.py"
    path.write_text(manual_blocks()[1], encoding="utf-8")
    names = runpy.run_path(str(path))
    claim = names["Surer"](kind="surer", sentence="so it is", of={"variant": "x"}, task="a", than=0.5)
    seeds = [{"certainty": np.array([0.9, mean])} for mean in (0.7, 0.72, 0.8)]
    [three] = names["judge"](claim, rows(row("x", "a", *seeds), row("y", "a", *seeds), row("x", "b", *seeds)))
    assert three.text == "x 0.82 sure"
    assert three.finding.holds
    assert three.p == pytest.approx(stats.ttest_1samp([0.8, 0.81, 0.85], 0.5).pvalue)
    [one] = names["judge"](claim, rows(row("x", "a", seeds[0])))
    assert one.p is None


def manual_blocks() -> list[str]:
    """The blocks of Python in the manual, in their order."""
    manual = (Path(__file__).parents[3] / "docs" / "browsing.md").read_text(encoding="utf-8")
    return [block.partition("```")[0] for block in manual.split("```python\n")[1:]]


@pytest.mark.usefixtures("plugin")
def test_the_list_shows_it(cli: Callable[..., Any]) -> None:
    said = cli("list", "analyses")
    assert said.code == 0, said.err
    assert "How sure a model is." in said.out
    assert "clearer_separation" in said.out
    assert np.isin(["surer_than", "coupling_follows_activity"], list(judged_kinds())).all()
