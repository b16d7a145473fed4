"""Plugins: what they do at import stays with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness.errors import UserError
from harness.plugins.load import load_plugin

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sys; sys.exit(0)", "sys.exit(0)"),
        ("raise SystemExit('not today')", "sys.exit('not today')"),
        ("exit()", "sys.exit(None)"),
        ("import os; os._exit(0)", "sys.exit(0)"),
        (
            "import argparse; p = argparse.ArgumentParser(); p.add_argument('--x', required=True); p.parse_args()",
            "error: the following arguments are required: --x",
        ),
    ],
)
def test_one_that_leaves_the_program(
    write: Write, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: str, told: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["harness", "run", "suite.yaml"])
    with pytest.raises(UserError, match="leaves the program when it is imported") as caught:
        load_plugin(write(source, "leaves.py"))
    assert told in str(caught.value)
    assert capfd.readouterr() == ("", "")  # no usage of its own


def test_one_that_reads_arguments_does_not_get_those_of_the_harness(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["harness", "run", "suite.yaml"])
    load_plugin(write("import argparse; argparse.ArgumentParser().parse_args()", "parses.py"))
    assert sys.argv == ["harness", "run", "suite.yaml"]


@pytest.mark.parametrize("error", ["BaseException", "GeneratorExit", "type('Own', (BaseException,), {})"])
def test_one_that_fails_in_an_unusual_way(write: Write, error: str) -> None:
    with pytest.raises(UserError, match="fails when it is imported"):
        load_plugin(write(f"raise {error}('why')", "fails.py"))


def test_ctrl_c_is_not_the_plugins(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_plugin(write("raise KeyboardInterrupt", "interrupted.py"))


def test_what_it_prints_goes_to_standard_error(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    text = (
        "import os, sys; print('one'); os.write(1, b'two\\n'); os.system('echo three'); print('four', file=sys.stderr)"
    )
    load_plugin(write(text, "prints.py"))
    said = capfd.readouterr()
    assert said.out == ""
    assert sorted(said.err.split()) == ["four", "one", "three", "two"]


def test_what_it_changes_is_put_back(write: Write) -> None:
    before = os.getcwd(), torch.get_num_threads(), torch.get_rng_state()
    load_plugin(
        write(
            "import os, torch; os.chdir('/'); torch.set_num_threads(17); torch.manual_seed(1)\n"
            "torch.set_default_dtype(torch.float64); torch.set_default_device('meta')\n",
            "changes.py",
        )
    )
    assert (os.getcwd(), torch.get_num_threads()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert torch.zeros(1).dtype == torch.float32


def test_a_text_of_the_same_size_and_second_is_not_mistaken_for_the_one_before(write: Write) -> None:
    """Python takes bytecode that lies beside a file by size and second alone."""
    for number in (1, 2):
        path = write(
            f"from pathlib import Path\nPath(__file__).with_suffix('.said').write_text('{number}')\n", "same.py"
        )
        os.utime(path, (10**9, 10**9))
        load_plugin(path)
        assert path.with_suffix(".said").read_text() == str(number)
        [module] = [name for name in sys.modules if name.startswith("harness_plugin_same_")]
        del sys.modules[module]


def test_modules_of_one_name_beside_two_plugins_are_not_mixed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would give the second plugin the first one's module."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net_shared.py").write_text(f"place = {folder!r}\n")
        text = f"import sys; sys.path.insert(0, {str(tmp_path / folder)!r})\nfrom net_shared import place\n"
        (tmp_path / folder / "plug.py").write_text(text)
    load_plugin(tmp_path / "one" / "plug.py")
    with pytest.raises(UserError, match=r"has a module 'net_shared' beside it, and another plugin has loaded .*/one/"):
        load_plugin(tmp_path / "other" / "plug.py")
    del sys.modules["net_shared"]
