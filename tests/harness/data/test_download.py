import socket
import time
from pathlib import Path

import pytest

from harness.data import download as module
from harness.data.download import DownloadFailed, Unreachable, download
from tests.harness.data.conftest import Site

CONTENT = bytes(range(256)) * 4000  # 1 MB, so that it takes several reads


def silent(message: str) -> None:
    pass


def test_file_comes_whole(site: Site, tmp_path: Path) -> None:
    site.files["a"] = CONTENT
    download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert site.requests == [None]


def test_broken_transfer_is_resumed(site: Site, tmp_path: Path) -> None:
    site.files["a"], site.cut = CONTENT, [300_000, 500_000]
    download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.requests == [None, "bytes=300000-", "bytes=800000-"]


def test_a_server_without_ranges_starts_over(site: Site, tmp_path: Path) -> None:
    site.files["a"], site.cut, site.ranges = CONTENT, [300_000], False
    download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_what_came_waits_for_the_next_call(site: Site, tmp_path: Path) -> None:
    site.files["a"], site.cut = CONTENT, [1000, 0, 0, 0]
    with pytest.raises(DownloadFailed, match="broke off"):
        download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert not (tmp_path / "a").exists()
    site.cut = []
    download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.requests[-1] == "bytes=1000-"


def test_a_part_that_is_too_long_is_dropped(site: Site, tmp_path: Path) -> None:
    site.files["a"] = CONTENT
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    download(f"{site.address}/a", tmp_path / "a", silent, limit=len(CONTENT))
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_missing_file_is_no_closed_server(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="404") as caught:
        download(f"{site.address}/b", tmp_path / "b", silent, limit=10)
    assert not isinstance(caught.value, Unreachable)


def test_too_large_is_refused(site: Site, tmp_path: Path) -> None:
    site.files["a"] = CONTENT
    with pytest.raises(DownloadFailed, match="more than the 10 it can have"):
        download(f"{site.address}/a", tmp_path / "a", silent, limit=10)
    assert not (tmp_path / "a").exists()


def test_closed_port_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(Unreachable, match="refused"):
            download(f"http://127.0.0.1:{taken.getsockname()[1]}/a", tmp_path / "a", silent, limit=10)


def test_a_server_that_never_answers_costs_the_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        start = time.monotonic()
        with pytest.raises(Unreachable, match="no answer"):
            download(f"http://127.0.0.1:{mute.getsockname()[1]}/a", tmp_path / "a", silent, limit=10)
    assert time.monotonic() - start < 2


def test_progress_is_told(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "monotonic", iter(range(1000)).__next__)
    said: list[str] = []
    site.files["a"] = CONTENT
    download(f"{site.address}/a", tmp_path / "a", said.append, limit=len(CONTENT))
    assert said[-1].endswith("1.0 of 1.0 MB")
