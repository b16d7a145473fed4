import gzip
import hashlib
from pathlib import Path

import pytest

from harness.data.dataset import Progress
from harness.data.gather import gather
from harness.data.sources import LocalFolder, Mirror, Source, SourceClosed, SystemPackage
from harness.data.verification import IdxFile
from harness.errors import UserError
from tests.harness.data.conftest import Site

CONTENT = {"a": b"content of a" * 100, "b": b"content of b" * 100}
FILES = [IdxFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items()]


class Fixed(Source):
    """Gives what it is told, and counts how often it is asked."""

    def __init__(self, label: str, content: dict[str, bytes]) -> None:
        self.label, self.content, self.asked = label, content, 0

    def read(self, file: IdxFile, progress: Progress) -> bytes:
        self.asked += 1
        if file.name not in self.content:
            raise SourceClosed("is closed")
        return self.content[file.name]


def gathered(folder: Path, *chain: Source) -> list[str]:
    said: list[str] = []
    gather(folder, FILES, chain, said.append)
    for name, data in CONTENT.items():
        assert (folder / name).read_bytes() == data
    return said


def test_first_source_that_has_them_is_used(tmp_path: Path) -> None:
    closed, good, spare = Fixed("closed", {}), Fixed("good", CONTENT), Fixed("spare", CONTENT)
    gathered(tmp_path / "new", closed, good, spare)
    assert (closed.asked, good.asked, spare.asked) == (1, 2, 0)


def test_digest_decides_and_the_next_source_is_used(tmp_path: Path) -> None:
    wrong = Fixed("wrong", {"a": b"forged", "b": CONTENT["b"]})
    said = gathered(tmp_path, wrong, Fixed("good", CONTENT))
    assert (tmp_path / "a.rejected").read_bytes() == b"forged"
    assert not (tmp_path / "b.rejected").exists()
    assert any("wrong: its a has a wrong SHA-256" in line for line in said)


def test_a_damaged_file_in_the_folder_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"damaged")
    said = gathered(tmp_path, Fixed("good", CONTENT))
    assert (tmp_path / "a.rejected").read_bytes() == b"damaged"
    assert "wrong SHA-256" in said[0]


def test_a_complete_folder_is_left_alone(tmp_path: Path) -> None:
    for name, data in CONTENT.items():
        (tmp_path / name).write_bytes(data)
    source = Fixed("good", CONTENT)
    assert gathered(tmp_path, source) == []
    assert source.asked == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_no_source_is_one_sentence_with_every_reason(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        gathered(tmp_path, Fixed("first", {}), Fixed("second", {"a": b"forged", "b": b"forged"}))
    message = str(caught.value)
    assert message.startswith("a, b could not be had")
    assert "first: is closed" in message
    assert "second: its a has a wrong SHA-256" in message
    assert not (tmp_path / "a").exists()


def test_an_unwritable_folder_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match=r"taken.*(cannot be read|cannot be written)"):
        gathered(tmp_path / "taken" / "mnist", Fixed("good", CONTENT))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_local_folder_gives_plain_and_compressed_files(tmp_path: Path, suffix: str) -> None:
    local = tmp_path / "mine"
    local.mkdir()
    for name, data in CONTENT.items():
        (local / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    gathered(tmp_path / "store", LocalFolder(local))
    assert len(list(local.iterdir())) == 2


def test_a_package_that_is_not_installed_names_itself(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Debian's package dataset-x brings it"):
        gathered(tmp_path, SystemPackage(tmp_path / "none", "dataset-x"))


def test_a_mirror_gives_compressed_files(site: Site, tmp_path: Path) -> None:
    site.files = {f"m/{name}.gz": gzip.compress(data) for name, data in CONTENT.items()}
    gathered(tmp_path, Mirror(f"{site.address}/m/", tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "a", "b"]


def test_what_a_mirror_left_unfinished_is_cleared_away(site: Site, tmp_path: Path) -> None:
    site.files, site.cut = {"a.gz": gzip.compress(CONTENT["a"])}, [10, 0, 0, 0]
    with pytest.raises(UserError, match="broke off"):
        gathered(tmp_path, Mirror(site.address, tmp_path))
    assert list(tmp_path.glob(".download-*.part"))
    gathered(tmp_path, Fixed("good", CONTENT))
    assert not list(tmp_path.glob(".download-*"))


@pytest.mark.parametrize("body", [b"<html>log in to this network</html>", gzip.compress(b"x" * 99, mtime=0)[:-12]])
def test_a_mirror_that_lies_is_refused(site: Site, tmp_path: Path, body: bytes) -> None:
    site.files = {"a.gz": body, "b.gz": gzip.compress(CONTENT["b"])}
    gathered(tmp_path, Mirror(site.address, tmp_path), Fixed("good", CONTENT))
    assert (tmp_path / "a.rejected").exists()
