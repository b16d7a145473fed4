"""Where the record is kept, and what is told where it can't be."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.record import tracking_uri
from harness.record.tracking_uri import (
    TrackingUri,
    artifact_folder,
    be_quiet,
    check_tracking_uri,
    default_tracking_uri,
    make_folder,
)


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        check_tracking_uri(text)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"--tracking-uri {text}: ")
    return message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_server_is_told_at_once() -> None:
    started = time.monotonic()
    message = refusal(f"http://127.0.0.1:{free_port()}")
    assert time.monotonic() - started < 2
    assert "no MLflow server answers there" in message
    assert "refused" in message


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking_uri, "SERVER_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        assert "timed out" in refusal(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - started < 2


@pytest.fixture
def server() -> Iterator[tuple[str, list[int]]]:
    """A web server that answers /health with the first number of a list."""
    answers = [200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[0] if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", answers
    made.shutdown()
    made.server_close()


def test_a_server_that_answers(server: tuple[str, list[int]]) -> None:
    check_tracking_uri(server[0])
    check_tracking_uri(server[0] + "/")


def test_a_server_of_another_kind(server: tuple[str, list[int]]) -> None:
    server[1][0] = 404
    assert "404" in refusal(server[0]) or "Not Found" in refusal(server[0])


@pytest.mark.parametrize("text", ["results", "file:///tmp/x", "ftp://host", "sqlite:mlflow.db", "databricks", ""])
def test_addresses_of_no_known_kind(text: str) -> None:
    assert "http://HOST:PORT or sqlite:///FILE" in refusal(text)


@pytest.mark.parametrize("text", ["http://", "http://host:port", "https://[", "http://no such host/"])
def test_addresses_that_are_broken(text: str) -> None:
    refusal(text)


def test_the_default_is_under_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_tracking_uri(Path("results")) == f"sqlite:///{tmp_path}/results/mlflow.db"
    check_tracking_uri(default_tracking_uri(Path("results")))
    assert artifact_folder("sqlite:///x.db", Path("results")) == f"file://{tmp_path}/results/artifacts"
    assert artifact_folder("http://host:5000", Path("results")) is None


@pytest.mark.parametrize(
    ("tracking_uri", "path"),
    [
        ("sqlite:////x/y.db", "/x/y.db"),
        ("sqlite:////x/y.db?timeout=30&x=/z", "/x/y.db"),
        ("sqlite:///y.db", "y.db"),
        ("sqlite:////a%20b%3Fc/y.db", "/a b?c/y.db"),
        ("sqlite:////100%/y.db", "/100%/y.db"),
    ],
)
def test_the_file_of_an_address(tracking_uri: str, path: str) -> None:
    uri = check_tracking_uri(tracking_uri)
    assert uri.is_local
    assert uri.path == Path(path)
    assert not TrackingUri("http://host").is_local
    assert TrackingUri("http://host").exists()


@pytest.mark.parametrize(
    "text", ["sqlite:///", "sqlite:////", "sqlite:///:memory:", "sqlite:///?x=1", "sqlite:///file:x?uri=true"]
)
def test_addresses_that_name_no_file(text: str) -> None:
    assert "it names no file" in refusal(text)


@pytest.mark.parametrize("name", ["a b", "a?b=1", "a%20b", "100%", "a#b", "ü%41?x#y", 'it\'s "x"', "a&b=c", "a:b@c"])
def test_any_name_of_a_folder_of_results(tmp_path: Path, empty_store: Path, name: str) -> None:
    """The record is in its folder, where every command finds it, and MLflow finds its artifacts."""
    from harness.record.writer import RunWriter

    folder = tmp_path / name
    folder.mkdir()
    tracking_uri = default_tracking_uri(folder)
    assert tracking_uri.path == folder / "mlflow.db"
    assert not tracking_uri.exists()
    shutil.copy(empty_store, folder / "mlflow.db")
    record = RunWriter(tracking_uri, "tiny", artifact_folder(tracking_uri, folder))
    run = record.client.create_run(record.experiment).info.run_id
    record.client.log_text(run, "some", "some.txt")
    assert (folder / "artifacts" / run / "artifacts" / "some.txt").read_text() == "some"
    assert [each.path for each in record.client.list_artifacts(run)] == ["some.txt"]
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing beside it


def test_a_folder_is_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []  # no probe is left


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(UserError, match=f"cannot write to {folder}: .*; name another folder"):
            make_folder(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            make_folder(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_mlflow_sends_nothing_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "9")
    be_quiet()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "9"  # what the user has set stays
