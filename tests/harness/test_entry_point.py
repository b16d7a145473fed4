"""A variant and an analysis that come with an installed package: a real one, built and installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "pebble-capsules"
version = "1.0"
[project.entry-points."harness.analyses"]
shine = "pebble_capsules:Shine"
[project.entry-points."harness.variants"]
pebble = "pebble_capsules:Pebble"
[tool.setuptools]
packages = ["pebble_capsules"]
"""
BROKEN = '\nboulder = "pebble_capsules.missing:Boulder"\n[tool.setuptools]'
MODULE = '''
from torch import nn
from harness.analysis import Analysis
from variants.contract import Config, Output, Variant

class Pebble(Variant):
    """A single layer."""

    Config = Config

    def __init__(self, config):
        super().__init__(config)
        self.scores = nn.Linear(config.image_size ** 2, config.classes)

    def forward(self, images, labels=None):
        return Output(self.scores(images.flatten(1)))

class Shine(Analysis):
    """How bright its images are."""
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the package was installed, with one sound entry point and a broken one."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT.replace("\n[tool.setuptools]", BROKEN))
    (source / "pebble_capsules").mkdir()
    (source / "pebble_capsules" / "__init__.py").write_text(MODULE)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target


def python(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_list_shows_it_beside_our_own_and_names_the_broken_one(installed: Path) -> None:
    done = python(installed, "-m", "harness", "list", "variants", "--json")
    assert done.returncode == 0, done.stderr
    listed = {line["name"]: line for line in json.loads(done.stdout)}
    assert listed.keys() >= {"pebble", "cnn", "capsnet", "lcapsnet"}
    assert listed["pebble"]["module"] == "pebble_capsules"
    assert "boulder" not in listed
    assert done.stderr.count("could not be loaded") == 1
    assert "'boulder' of pebble-capsules" in done.stderr


def test_an_analysis_is_listed_beside_our_own(installed: Path) -> None:
    done = python(installed, "-m", "harness", "list", "analyses", "--json")
    assert done.returncode == 0, done.stderr
    listed = {line["name"]: line for line in json.loads(done.stdout)}
    assert listed.keys() >= {"shine", "curves", "capsule_activity"}
    assert listed["shine"]["summary"] == "How bright its images are."


def test_it_is_built_by_name_and_its_source_is_in_the_key(installed: Path) -> None:
    script = (
        "import variants, warnings; warnings.simplefilter('ignore')\n"
        "from harness.plugins.source import source_digest\n"
        "model = variants.build('pebble', image_size=5)\n"
        "print(tuple(model.scores.weight.shape), source_digest(type(model).__module__))"
    )
    first = python(installed, "-c", script)
    assert first.stdout.startswith("(10, 25) "), first.stderr
    module = installed / "pebble_capsules" / "__init__.py"
    module.write_text(module.read_text().replace("config.image_size ** 2", "config.image_size * config.image_size"))
    second = python(installed, "-c", script)
    assert second.stdout.startswith("(10, 25) ")
    assert second.stdout != first.stdout
