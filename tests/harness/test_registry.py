"""The registry: decorator, plugins, entry points."""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness import registry
from harness.errors import UserError
from harness.plugins import load as plugins
from harness.registry import Registry, load_plugin, nearest


class Fruit:
    pass


HOLDER: list[Registry[Fruit]] = []  # where a module that a test writes finds the registry


@pytest.fixture
def fruits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Fruit]]:
    """An empty registry whose package has one module that registers nothing."""
    package = tmp_path / "orchard"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "shed.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("fruit", Fruit, package="orchard", group="orchard.fruits")
    for name in [name for name in sys.modules if name.partition(".")[0] == "orchard"]:
        del sys.modules[name]


def test_decorator_makes_a_class_known(fruits: Registry[Fruit]) -> None:
    @fruits.register("apple")
    class Apple(Fruit):
        pass

    assert fruits.get("apple") is Apple
    assert fruits.names() == ["apple"]
    assert "orchard.shed" in sys.modules  # the package's own modules were imported to find all


def test_a_module_of_the_package_registers_itself(fruits: Registry[Fruit], tmp_path: Path) -> None:
    module = "import test_registry as t\n@t.HOLDER[0].register('plum')\nclass Plum(t.Fruit): pass\n"
    (tmp_path / "orchard" / "plum.py").write_text(module)
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    assert fruits.get("plum").__name__ == "Plum"


def test_what_is_shared_in_folders_of_the_package_is_not_looked_through(
    fruits: Registry[Fruit], tmp_path: Path
) -> None:
    (tmp_path / "orchard" / "tools").mkdir()
    (tmp_path / "orchard" / "tools" / "__init__.py").write_text("raise AssertionError('imported')\n")
    assert fruits.names() == []


def test_two_classes_of_one_name_collide(fruits: Registry[Fruit]) -> None:
    fruits.register("apple")(type("Apple", (Fruit,), {}))
    with pytest.raises(UserError, match=r"two fruits are called 'apple' .*Apple.*Other.*rename"):
        fruits.register("apple")(type("Other", (Fruit,), {}))


def test_the_same_class_may_register_again(fruits: Registry[Fruit]) -> None:
    for _ in range(2):  # a module that is imported anew defines its classes anew
        again = fruits.register("apple")(type("Apple", (Fruit,), {}))
    assert fruits.get("apple") is again


@pytest.mark.parametrize("thing", [int, lambda: None, "text"])
def test_only_the_base_class_is_taken(fruits: Registry[Fruit], thing: object) -> None:
    with pytest.raises(UserError, match=r"'stone' cannot be a fruit: .* does not derive from Fruit"):
        fruits.register("stone")(thing)  # type: ignore[arg-type]


def test_unknown_name_tells_the_nearest_and_all(fruits: Registry[Fruit]) -> None:
    for name in ("apple", "cherry"):
        fruits.register(name)(type(name, (Fruit,), {}))
    with pytest.raises(UserError) as caught:
        fruits.get("aple")
    assert str(caught.value) == "unknown fruit 'aple': did you mean 'apple'? available: apple, cherry."


@pytest.mark.parametrize("wrong", ["routing_iteration", "routing", "Routing_Iterations", "r", "ruoting_iterations"])
def test_nearest(wrong: str) -> None:
    text = nearest(wrong, ["width", "routing_iterations"])
    assert text == "did you mean 'routing_iterations'? available: routing_iterations, width"


@pytest.mark.parametrize("wrong", ["xyz", ""])
def test_nearest_without_a_near_one(wrong: str) -> None:
    assert nearest(wrong, ["b", "a"]) == "available: a, b"
    assert nearest("xyz", []) == "available: none"


class Point:
    """An entry point that loads a class or fails."""

    def __init__(self, name: str, found: object) -> None:
        self.name, self._found = name, found
        self.dist = type("Distribution", (), {"name": f"{name}-package"})()

    def load(self) -> object:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(ImportError("no module named sugar"), "no module named sugar"), (int, "does not derive from Fruit")],
)
def test_a_broken_entry_point_is_one_warning_that_names_it(
    fruits: Registry[Fruit], monkeypatch: pytest.MonkeyPatch, bad: object, reason: str
) -> None:
    good = type("Quince", (Fruit,), {})
    points = [Point("rotten", bad), Point("quince", good)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "orchard.fruits" else [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert fruits.names() == ["quince"]
        assert fruits.names() == ["quince"]
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 1
    assert "the fruit 'rotten' of rotten-package could not be loaded" in messages[0]
    assert reason in messages[0]


def test_entry_points_are_looked_up_in_the_registrys_group(
    fruits: Registry[Fruit], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def recorded(group: str) -> list[importlib.metadata.EntryPoint]:
        asked.append(group)
        return []

    monkeypatch.setattr(registry, "entry_points", recorded)
    fruits.names()
    assert asked == ["orchard.fruits"]


@pytest.mark.parametrize("first", ["plugin", "package"])
def test_what_comes_with_the_package_has_its_name_first(
    fruits: Registry[Fruit], tmp_path: Path, write: Callable[..., Path], first: str
) -> None:
    """In whichever order they are met."""
    text = "import test_registry as t\n@t.HOLDER[0].register('plum')\nclass Plum(t.Fruit): pass\n"
    (tmp_path / "orchard" / "plum.py").write_text(text)
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    if first == "package":
        fruits.names()
    path = write(text, "mine.py")
    with pytest.raises(UserError) as caught:
        load_plugin(path)
    assert f"two fruits are called 'plum' (orchard.plum.Plum and Plum of {path})" in str(caught.value)
    assert fruits.get("plum").__module__ == "orchard.plum"


def test_two_plugins_of_one_name(fruits: Registry[Fruit], write: Callable[..., Path]) -> None:
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    text = "import test_registry as t\n@t.HOLDER[0].register('fig')\nclass Fig(t.Fruit): pass\n"
    one, other = write(text, "one.py"), write(text, "other.py")
    load_plugin(one)
    with pytest.raises(UserError, match=f"Fig of {one} and Fig of {other}"):
        load_plugin(other)


def test_two_entry_points_of_one_name(fruits: Registry[Fruit], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = type("Quince", (Fruit,), {}), type("Other", (Fruit,), {})
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point("quince", one), Point("quince", other)])
    with pytest.warns(UserWarning, match="two fruits are called 'quince'"):
        assert fruits.get("quince") is one


@pytest.mark.parametrize("name", ["capsnet", "cnn", "lcapsnet", "sentinel"])
def test_no_plugin_takes_the_name_of_one_of_ours(write: Callable[..., Path], name: str) -> None:
    import variants

    path = write(f"from variants import *\n@register('{name}')\nclass Mine(Variant): pass\n", f"my_{name}.py")
    with pytest.raises(UserError, match=f"'{name}'"):
        load_plugin(path)
    assert "Mine" not in [cls.__name__ for cls in variants.VARIANTS._classes.values()]


def test_no_plugin_takes_the_name_of_one_of_our_datasets(write: Callable[..., Path]) -> None:
    from harness.data import DATASETS

    path = write("from harness.data import *\n@register('mnist')\nclass Mine(Dataset): pass\n", "my_mnist.py")
    with pytest.raises(UserError, match="two datasets are called 'mnist'"):
        load_plugin(path)
    assert DATASETS.get("mnist").__name__ == "Mnist"


def test_a_class_that_a_plugin_takes_from_elsewhere_has_both_sources(
    fruits: Registry[Fruit], write: Callable[..., Path]
) -> None:
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    path = write("import test_registry as t\nt.HOLDER[0].register('pear')(t.Fruit)\n", "taken.py")
    load_plugin(path)
    defined, registered = fruits.sources("pear")
    assert defined == Fruit.__module__
    assert plugins.path_of(registered) == path


def test_ours_are_not_a_plugins_because_it_was_loaded_first(
    fruits: Registry[Fruit], tmp_path: Path, write: Callable[..., Path]
) -> None:
    """A plugin's first registration lets those of the package be found."""
    text = "import test_registry as t\n@t.HOLDER[0].register('{0}')\nclass {0}(t.Fruit): pass\n"
    (tmp_path / "orchard" / "plum.py").write_text(text.format("plum"))
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    load_plugin(write(text.format("kiwi"), "kiwi.py"))
    assert fruits.sources("plum") == ("orchard.plum",)
    [source] = fruits.sources("kiwi")
    assert plugins.path_of(source) == tmp_path / "kiwi.py"


def test_a_plugin_in_reserve_is_loaded_when_its_name_is_asked_for(
    fruits: Registry[Fruit], write: Callable[..., Path]
) -> None:
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    path = write("import test_registry as t\nt.HOLDER[0].register('date')(type('Date', (t.Fruit,), {}))\n", "date.py")
    plugins.set_fallback_plugins([(path, None)])
    assert fruits.get("date").__name__ == "Date"
    assert not plugins.load_fallback_plugins()


def test_plugin_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no plugin file .*nothing\.py"):
        load_plugin(tmp_path / "nothing.py")
    with pytest.raises(UserError, match="no plugin file"):
        load_plugin(tmp_path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("x = (", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_plugin_that_fails_when_imported(write: Callable[..., Path], source: str, reason: str) -> None:
    path = write(source, "broken.py")
    for _ in range(2):  # it is not left half imported
        with pytest.raises(UserError) as caught:
            load_plugin(path)
        assert str(path) in str(caught.value)
        assert reason in str(caught.value)


def test_plugin_that_is_no_python_file(write: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"ends in \.py"):
        load_plugin(write("hello", "plugin.txt"))


def test_plugin_with_a_users_own_variant(write: Callable[..., Path]) -> None:
    import variants

    path = write(
        "from torch import nn\n"
        "from variants import register, contract\n"
        "@register('mine')\n"
        "class Mine(contract.Variant):\n"
        "    Config = contract.Config\n"
        "    def __init__(self, config):\n"
        "        super().__init__(config)\n"
        "        self.scores = nn.Linear(config.image_size ** 2, config.classes)\n",
        "mine.py",
    )
    load_plugin(path)
    load_plugin(path)  # a second time is nothing new
    try:
        assert variants.build("mine", image_size=4).get_parameter("scores.weight").shape == (10, 16)
        assert "mine" in variants.VARIANTS.names()
    finally:
        variants.VARIANTS._classes.pop("mine")


def test_plugin_whose_name_is_taken(write: Callable[..., Path]) -> None:
    path = write("from variants import *\n@register('cnn')\nclass Cnn(Variant): pass\n", "again.py")
    with pytest.raises(UserError, match="two variants are called 'cnn'"):
        load_plugin(path)


def test_what_a_plugin_has_led_to_is_not_the_plugins(write: Callable[..., Path], fruits: Registry[Fruit]) -> None:
    """Whether the package's own modules were imported before it or by it, they are not made of its source."""
    HOLDER[:] = [fruits]
    sys.modules.setdefault("test_registry", sys.modules[__name__])
    text = "import test_registry as t\n@t.HOLDER[0].register('plum')\nclass Plum(t.Fruit): pass\n"
    write(text, "orchard/plum.py")
    load_plugin(write("from orchard.plum import Plum\n" + text.replace("lum", "ear"), "pear.py"))
    assert fruits.sources("plum") == ("orchard.plum",)
    assert [name.startswith("harness_plugin_pear") for name in fruits.sources("pear")] == [True]


def test_what_is_registered_apart_is_forgotten(fruits: Registry[Fruit]) -> None:
    apple, other = type("Apple", (Fruit,), {}), type("Other", (Fruit,), {})
    plum = type("Plum", (Fruit,), {"__module__": "orchard.plum"})
    fruits.register("apple")(apple)
    fruits.register("plum")(plum)
    with suppress(KeyError), fruits.apart():
        assert fruits.names() == ["plum"]  # which comes with the package
        fruits.register("apple")(other)
        assert fruits.get("apple") is other
        assert fruits.sources("apple") == (other.__module__,)
        raise KeyError
    assert fruits.get("apple") is apple
    with fruits.apart("plum"):
        assert fruits.names() == []
    assert fruits.names() == ["apple", "plum"]
