import subprocess
import sys
from pathlib import Path

import pytest

from harness.data import DATASETS, data_folder
from harness.errors import UserError

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


def test_folder_is_the_chosen_one_then_the_environment_then_the_cache(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert data_folder(Path("/chosen")) == Path("/chosen")
    assert data_folder(None) == tmp_path
    monkeypatch.delenv("HARNESS_DATA")
    assert data_folder(None) == Path.home() / ".cache/capsule-harness/data"


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys, harness.data; harness.data.DATASETS.get('affnist')\n"
        "print([name for name in ('torch', 'torchvision', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
