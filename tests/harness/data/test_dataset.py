import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from harness.data import DATASETS, Dataset, Missing, data_folder, tasks
from harness.errors import UserError
from harness.plugins.load import load_plugin

NAMES = ["affnist", "expanded-mnist", "fashion-mnist", "mnist"]


def test_all_datasets_are_known() -> None:
    with DATASETS.apart():  # other tests may have added some
        assert DATASETS.names() == NAMES


def test_unknown_dataset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'fashion-mnist'"):
        DATASETS.get("fashion-mist")


@pytest.mark.parametrize("name", NAMES)
def test_identity_needs_no_data_and_is_short(name: str, tmp_path: Path) -> None:
    dataset = DATASETS.get(name)()
    assert dataset.name == name
    assert len(dataset.digest(tmp_path)) <= 36
    assert dataset.test_names(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_loading_before_fetching_says_what_to_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `python -m harness data fetch "):
        DATASETS.get(name)().load(tmp_path)


def test_folder_is_the_chosen_one_then_the_environment_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert data_folder(Path("/chosen")) == Path("/chosen")
    assert data_folder(None) == tmp_path
    monkeypatch.delenv("HARNESS_DATA")
    assert data_folder(None) == Path.home() / ".cache/capsule-harness/data"


def test_the_example_is_a_dataset(tmp_path: Path) -> None:
    example = textwrap.dedent((Dataset.__doc__ or "").partition("contract.\n")[2])
    (tmp_path / "stripes.py").write_text(example)
    images, labels = np.zeros((1000, 28, 28), np.uint8), np.arange(1000, dtype=np.uint8) % 2
    with DATASETS.apart():
        load_plugin(tmp_path / "stripes.py")
        with pytest.raises(Missing, match="copy it there"):
            tasks.fetch("stripes", tmp_path, print)
        np.savez(
            tmp_path / "stripes.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels
        )
        tasks.fetch("stripes", tmp_path, print)
        assert tasks.identify("stripes", tmp_path) == tasks.Identity("stripes-1", ("stripes",), ())
        assert len(tasks.load("stripes", tmp_path).tests["stripes"]) == 1000


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys, harness.data; harness.data.DATASETS.get('affnist')\n"
        "print([name for name in ('torch', 'torchvision', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
