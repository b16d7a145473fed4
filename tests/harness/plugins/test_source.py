"""The digest of sources: what changes it, what does not, and what is left out and named."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.plugins import source
from harness.plugins.source import file_digest, source_digest, source_files, unwatched
from harness.registry import load_plugin


@pytest.fixture
def digest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """The digest of a module as it is now on disk, also of a plugin that was loaded before."""
    monkeypatch.setattr(source, "loaded_texts", {})

    def fresh(module: str) -> str:
        source._digest.cache_clear()
        source._sources.cache_clear()
        return source_digest(module)

    yield fresh
    source._digest.cache_clear()
    source._sources.cache_clear()


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
    monkeypatch.setattr(source, "VARIANTS_PACKAGE", "pond")
    importlib.invalidate_caches()
    importlib.import_module("pond.frog")
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "pond"]:
        del sys.modules[name]


@pytest.mark.parametrize("module", ["frog", "legs", "webs"])
def test_a_changed_source_changes_the_digest(pond: Path, digest: Callable[[str], str], module: str) -> None:
    before = digest("pond.frog")
    path = pond / f"{module}.py"
    path.write_text(path.read_text() + "changed = True\n")
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
            path.write_text(path.read_text() + "changed = True\n")
            seen.add(digest("lake"))
        assert len(seen) == 4
    finally:
        for name in ("lake", "lake.fish"):
            sys.modules.pop(name, None)


def test_a_package_within_the_package(pond: Path, digest: Callable[[str], str]) -> None:
    (pond / "reeds").mkdir()
    for name in ("__init__", "stalks", "leaves", "roots"):
        (pond / "reeds" / f"{name}.py").write_text("x = 1\n")
    (pond / "reeds" / "stalks.py").write_text("from . import leaves\n")
    (pond / "legs.py").write_text("from pond.reeds.stalks import leaves\n")
    before = digest("pond.frog")
    for name, matters in (("stalks", True), ("leaves", True), ("__init__", True), ("roots", False)):
        path = pond / "reeds" / f"{name}.py"
        path.write_text(path.read_text() + "changed = True\n")
        assert (digest("pond.frog") != before) is matters, name
        before = digest("pond.frog")


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
        ("variants.capsnet", "variants.layers.routing", True),
        ("variants.capsnet", "variants.layers.capsules", True),
        ("variants.capsnet", "variants.contract", True),
        ("variants.capsnet", "variants.conv.large_kernel", True),  # by way of the layers
        ("variants.capsnet", "variants.lcapsnet", False),
        ("variants.cnn", "variants.layers.routing", False),
        ("variants.lcapsnet", "variants.layers.ladder", True),
        ("variants.cnn", "variants.conv.toom_cook", True),
        ("variants.cnn", "variants.conv", True),  # what is run when a module of it is imported
        ("variants.cnn", "variants.layers", False),
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
    find = source._file_of
    path = find(touched)
    assert path is not None
    copy = tmp_path / path.name
    copy.write_text(path.read_text() + "changed = True\n")
    monkeypatch.setattr(source, "_file_of", lambda module, *rest: copy if module == touched else find(module, *rest))
    assert (digest(variant) != before) is changes


def module_of(path: Path) -> str:
    """The module of a plugin that is loaded."""
    [module] = [name for name, loaded in sys.modules.items() if getattr(loaded, "__file__", None) == str(path)]
    return module


@pytest.mark.parametrize(
    "changed",
    [
        "web = 1  # one\n",
        '"""What a web is."""\n\nweb = (\n    1\n)\n',
        "\n\nweb  =  1",
    ],
)
def test_comments_docstrings_and_layout_do_not_matter(pond: Path, digest: Callable[[str], str], changed: str) -> None:
    before = digest("pond.frog")
    (pond / "webs.py").write_text(changed)
    assert digest("pond.frog") == before


@pytest.mark.parametrize("changed", ["web = True\n", "web = 1.0\n", "web = 1\n'web'\nweb = 1\n", "web: int = 1\n"])
def test_anything_else_does(pond: Path, digest: Callable[[str], str], changed: str) -> None:
    before = digest("pond.frog")
    (pond / "webs.py").write_text(changed)
    assert digest("pond.frog") != before


HELPED = {
    "plugin.py": "import sys; sys.path.insert(0, {folder!r})\nimport net_one\nfrom nets_of.two import layer\n"
    "def later():\n    import importlib\n    return importlib.import_module('net_three')\n",
    "net_one.py": "import net_four\n",
    "net_three.py": "x = 3\n",
    "net_four.py": "x = 4\n",
    "nets_of/__init__.py": "x = 5\n",
    "nets_of/two.py": "from . import norm\nfrom .norm import *\nlayer = 2\n",
    "nets_of/norm.py": "x = 6\n",
    "unused.py": "x = 7\n",
}


@pytest.fixture
def helped(tmp_path: Path) -> Iterator[Path]:
    """A plugin with modules and a package beside it."""
    for name, text in HELPED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.format(folder=str(tmp_path)))
    path, modules = list(sys.path), set(sys.modules)
    load_plugin(tmp_path / "plugin.py")
    yield tmp_path / "plugin.py"
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.parametrize("touched", sorted(HELPED))
def test_what_lies_beside_a_plugin(helped: Path, digest: Callable[[str], str], touched: str) -> None:
    module = module_of(helped)
    before = digest(module)
    path = helped.parent / touched
    path.write_text(path.read_text() + "changed = True\n")
    assert (digest(module) != before) is (touched != "unused.py")
    assert file_digest(helped) == digest(module)


def test_of_a_plugin_counts_what_it_said_when_it_was_loaded(tmp_path: Path) -> None:
    plugin = tmp_path / "said.py"
    plugin.write_text("x = 1\n")
    load_plugin(plugin)
    before = file_digest(plugin)
    plugin.write_text("x = 2\n")
    assert source_digest(module_of(plugin)) == file_digest(plugin) == before


def test_the_files_by_module(helped: Path, digest: Callable[[str], str]) -> None:
    digest(module_of(helped))
    names = set(source_files(module_of(helped))) - {module_of(helped)}
    assert names == {"net_one", "net_three", "net_four", "nets_of", "nets_of.two", "nets_of.norm"}


@pytest.mark.parametrize("touched", ["__init__", "layers", "deep/__init__", "deep/more"])
def test_an_installed_package_that_holds_a_variant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: Callable[[str], str], touched: str
) -> None:
    """The layers may stand in the files that make folders packages."""
    package = tmp_path / "site-packages" / "reef"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("layer = 1\n")
    (package / "layers.py").write_text("x = 1\n")
    (package / "deep" / "__init__.py").write_text("x = 1\n")
    (package / "deep" / "more.py").write_text("x = 1\n")
    (package / "coral.py").write_text("from reef import layer\nfrom reef.layers import x\nfrom .deep.more import x\n")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    importlib.invalidate_caches()
    importlib.import_module("reef.coral")
    try:
        before = digest("reef.coral")
        path = package / f"{touched}.py"
        path.write_text(path.read_text() + "changed = True\n")
        assert digest("reef.coral") != before
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "reef"]:
            del sys.modules[name]


@pytest.mark.parametrize(("place", "is_watched"), [("checkout", True), ("site-packages", False)])
def test_a_library_under_development_is_watched_and_an_installed_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: Callable[[str], str], place: str, is_watched: bool
) -> None:
    library = tmp_path / place / "whale"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "fins.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path / place)
    plugin = tmp_path / "swims.py"
    plugin.write_text("import torch, numpy, os\ndef later():\n    import whale.fins\n")
    load_plugin(plugin)
    module = module_of(plugin)
    before = digest(module)
    assert unwatched(module) == ([] if is_watched else ["whale"])
    (library / "fins.py").write_text("x = 2\n")
    assert (digest(module) != before) is is_watched


def test_what_is_not_watched_has_a_version_and_data_files_are_named(
    tmp_path: Path, digest: Callable[[str], str]
) -> None:
    (tmp_path / "centres.npy").touch()
    plugin = tmp_path / "reads.py"
    plugin.write_text("import scipy.special\nname = 'centres.npy'\nother = 'not there.npy'\n")
    load_plugin(plugin)
    digest(module_of(plugin))
    from importlib.metadata import version

    assert unwatched(module_of(plugin)) == [f"scipy {version('scipy')}", "centres.npy"]
    for module in ("variants.capsnet", "variants.lcapsnet", "variants.cnn"):
        assert unwatched(module) == []


def test_the_harness_itself_is_not_watched() -> None:
    assert source_digest("harness.data.mnist") == ""
