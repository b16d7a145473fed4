"""Keys: the same for what is measured the same way, another for anything else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import key
from harness.key import source_digest, trial_key
from harness.registry import load_plugin


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"config": {"k": 70, "kernel": 9}, "seed": 0}
    other = {"seed": 0, "config": {"kernel": 9, "k": 70}}
    assert trial_key(one) == trial_key(other)
    assert len(trial_key(one)) == 16
    assert int(trial_key(one), 16) >= 0


@pytest.mark.parametrize(
    "changed", [{"k": 71}, {"k": 70.5}, {"k": "70"}, {"k": None}, {"K": 70}, {"k": 70, "l": 0}, {}]
)
def test_any_other_content_gives_another_key(changed: dict[str, object]) -> None:
    assert trial_key({"config": {"k": 70}}) != trial_key({"config": changed})


def test_the_schema_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = trial_key({"a": 1})
    monkeypatch.setattr(key, "SCHEMA", key.SCHEMA + 1)
    assert trial_key({"a": 1}) != before


@pytest.fixture
def digest() -> Iterator[Callable[[str], str]]:
    """The digest of a module as it is now on disk."""

    def fresh(module: str) -> str:
        key._digest.cache_clear()
        return source_digest(module)

    yield fresh
    key._digest.cache_clear()


@pytest.fixture
def pond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in the place of `variants`: frog uses legs, legs uses webs; newt uses neither."""
    package = tmp_path / "pond"
    package.mkdir()
    (package / "__init__.py").write_text("from pond.newt import tail\n")
    (package / "frog.py").write_text("from pond import legs\nimport math\n")
    (package / "legs.py").write_text("from .webs import web\n")
    (package / "webs.py").write_text("web = 1\n")
    (package / "newt.py").write_text("tail = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(key, "SHARED", "pond")
    importlib.invalidate_caches()
    importlib.import_module("pond.frog")
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "pond"]:
        del sys.modules[name]


@pytest.mark.parametrize("module", ["frog", "legs", "webs"])
def test_a_changed_source_changes_the_digest(pond: Path, digest: Callable[[str], str], module: str) -> None:
    before = digest("pond.frog")
    path = pond / f"{module}.py"
    path.write_text(path.read_text() + "# changed\n")
    assert digest("pond.frog") != before


def test_a_module_that_is_not_used_does_not(pond: Path, digest: Callable[[str], str]) -> None:
    before = digest("pond.frog")
    (pond / "newt.py").write_text("tail = 2\n")
    (pond / "toad.py").write_text("warts = 1\n")
    assert digest("pond.frog") == before


def test_the_lines_ends_do_not(pond: Path, digest: Callable[[str], str]) -> None:
    before = digest("pond.frog")
    path = pond / "webs.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert digest("pond.frog") == before


def test_modules_may_import_each_other(pond: Path, digest: Callable[[str], str]) -> None:
    (pond / "webs.py").write_text("import pond.frog\nweb = 1\n")
    assert len(digest("pond.frog")) == 16


def test_a_package_with_its_variant_in_init(pond: Path, digest: Callable[[str], str]) -> None:
    package = pond.parent / "lake"
    package.mkdir()
    (package / "__init__.py").write_text("from . import fish\nfrom pond import newt\n")
    (package / "fish.py").write_text("fins = 1\n")
    importlib.import_module("lake")
    try:
        seen = {digest("lake")}
        for path in (package / "__init__.py", package / "fish.py", pond / "newt.py"):
            path.write_text(path.read_text() + "# changed\n")
            seen.add(digest("lake"))
        assert len(seen) == 4
    finally:
        for name in ("lake", "lake.fish"):
            sys.modules.pop(name, None)


def test_where_a_plugin_lies_does_not_matter_but_what_it_uses(pond: Path, digest: Callable[[str], str]) -> None:
    digests = []
    for folder in ("here", "there"):
        path = pond.parent / folder / "plugin.py"
        path.parent.mkdir()
        path.write_text("from pond.legs import web\n")
        load_plugin(path)
        [module] = [n for n, m in sys.modules.items() if getattr(m, "__file__", None) == str(path)]
        digests.append(digest(module))
        last = module
    assert digests[0] == digests[1]
    (pond / "webs.py").write_text("web = 3\n")
    assert digest(last) != digests[1]


@pytest.mark.parametrize(
    ("variant", "touched", "changes"),
    [
        ("variants.capsnet", "variants.routing", True),
        ("variants.capsnet", "variants.layers", True),
        ("variants.capsnet", "variants.contract", True),
        ("variants.capsnet", "variants.convolution", True),  # by way of the layers
        ("variants.capsnet", "variants.lcapsnet", False),
        ("variants.cnn", "variants.routing", False),
        ("variants.lcapsnet", "variants.ladder", True),
    ],
)
def test_our_own_variants(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    digest: Callable[[str], str],
    variant: str,
    touched: str,
    changes: bool,
) -> None:
    before = digest(variant)
    find = key._file_of
    path = find(touched)
    assert path is not None
    copy = tmp_path / path.name
    copy.write_text(path.read_text() + "# changed\n")
    monkeypatch.setattr(key, "_file_of", lambda module: copy if module == touched else find(module))
    assert (digest(variant) != before) is changes
