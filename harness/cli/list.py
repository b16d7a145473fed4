"""`harness list`: list variants, datasets, analyses, suites, recorded runs or published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.console import say
from harness.cli.inputs import load_plugins, read_suite, record_uri
from harness.cli.options import RESULTS, AsJson, Plugins, Results, TrackingUri
from harness.cli.output import Lines, print_lines
from harness.cli.streams import standard_output
from harness.errors import UserError
from harness.record.tracking_uri import TrackingUri as RecordUri
from harness.record.tracking_uri import be_quiet

What = Literal["variants", "datasets", "analyses", "suites", "runs", "published"]


def list_(
    what: Annotated[What, typer.Argument(metavar="variants|datasets|analyses|suites|runs|published")],
    plugin: Plugins = None,
    tracking_uri: TrackingUri = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """List variants, datasets, analyses, suites, runs or published numbers."""
    be_quiet()
    with standard_output(alone=as_json) as out:
        load_plugins(plugin)
        # the others need no record
        lines = list_runs(record_uri(tracking_uri, results)) if what == "runs" else LISTERS[what]()
        print_lines(lines, as_json, out)


def list_variants() -> Lines:
    """List every registered variant, with its settings and their defaults."""
    from variants import VARIANTS

    found = []
    for name in VARIANTS.names():
        cls = VARIANTS.get(name)
        settings = {key: field.default for key, field in cls.Config.model_fields.items()}
        found.append({"name": name, "summary": _summary(cls), "module": cls.__module__, "settings": settings})
    return found


def list_datasets() -> Lines:
    """List every registered dataset."""
    from harness.data import DATASETS

    found = []
    for name in DATASETS.names():
        cls = DATASETS.get(name)
        size, classes = getattr(cls, "image_size", None), getattr(cls, "classes", None)  # a plugin may lack them
        found.append({"name": name, "summary": _summary(cls), "image_size": size, "classes": classes})
    return found


def list_analyses() -> Lines:
    """List every registered analysis, with the kinds of claims that it judges."""
    from harness.analysis import ANALYSES
    from harness.analysis.claims import kinds_of

    found = []
    for name in ANALYSES.names():
        cls = ANALYSES.get(name)
        found.append(
            {"name": name, "summary": _summary(cls), "module": cls.__module__, "claims": sorted(kinds_of(name, cls))}
        )
    return found


def list_suites() -> Lines:
    """List the suites in the folder `suites`."""
    found = []
    for path in filter(Path.is_file, sorted(Path("suites").glob("*.yaml"))):
        try:
            suite = read_suite(path).suite
        except UserError as error:
            found.append({"name": path.stem, "file": str(path), "profiles": [], "description": str(error)})
            continue
        found.append(
            {
                "name": suite.name,
                "file": str(path),
                "profiles": sorted(suite.profiles),
                "description": suite.description,
            }
        )
    return found


def list_runs(tracking_uri: RecordUri) -> Lines:
    """List the recorded invocations of suites."""
    return _invocations(tracking_uri) if tracking_uri.exists() else []


def _invocations(tracking_uri: RecordUri) -> Lines:
    from harness.record.listing import list_invocations

    return list_invocations(tracking_uri, say)


def list_published() -> Lines:
    """List the published numbers that come with the project, as a suite names them."""
    from harness.suite.published import load_published, publications

    files = publications()
    read = load_published(files.values())
    return [{"name": name, "source": each.source} for name, each in zip(files, read, strict=True)]


def _summary(cls: type) -> str:
    """Return the first line of a class's docstring."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


LISTERS = {
    "variants": list_variants,
    "datasets": list_datasets,
    "analyses": list_analyses,
    "suites": list_suites,
    "published": list_published,
}
