"""Servers behind a login, and what must never be shown of it."""

from __future__ import annotations

import base64
import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.record import tracking_uri
from harness.record.access import open_store
from harness.record.masking import masked
from harness.record.tracking_uri import PASSWORD, TOKEN, USERNAME, VARIABLE, check_tracking_uri, find_tracking_uri
from harness.record.writer import RunWriter

USER, SECRET, KNOWN_TOKEN = "bob", "s3cret/@: x", "t0ken"
LOGINS = ("Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode(), f"Bearer {KNOWN_TOKEN}")
ENCODED = "s3cret%2F%40%3A%20x"
Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No login in the environment, and none is left there."""
    for name in (USERNAME, PASSWORD, TOKEN, VARIABLE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """HOST:PORT of a server that knows one login and no experiments; where it asks for one, also for its health."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            is_known = self.headers.get("Authorization") in LOGINS
            content = json.dumps({}) if is_known else "<html>Unauthorized</html>"
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer()

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


def test_the_login_of_the_environment_is_used(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USERNAME, USER)
    monkeypatch.setenv(PASSWORD, SECRET)
    assert open_store(check_tracking_uri(f"http://{server}")).search_experiments() == []


def test_so_is_a_token(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, KNOWN_TOKEN)
    assert open_store(check_tracking_uri(f"http://{server}")).search_experiments() == []


def test_a_login_in_the_address_goes_into_the_environment_and_wins(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USERNAME, "somebody")
    monkeypatch.setenv(PASSWORD, "else")
    found = check_tracking_uri(f"http://{USER}:{ENCODED}@{server}/")
    assert found == f"http://{server}/"
    assert (os.environ[USERNAME], os.environ[PASSWORD]) == (USER, SECRET)
    assert open_store(found).search_experiments() == []


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_login_that_is_missing_or_wrong_is_told_in_a_sentence(
    server: str, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    if password:
        monkeypatch.setenv(USERNAME, USER)
        monkeypatch.setenv(PASSWORD, password)
    with pytest.raises(UserError, match=f"set {USERNAME} and {PASSWORD}, or {TOKEN}") as caught:
        open_store(check_tracking_uri(f"http://{server}"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "http://bob:hunter2@no-such-host.invalid:1",
        "postgresql://bob:hunter2@host/db",
        "http://bob:hun/ter2@host",
        "http://bob:hunter2#@host",
        "ftp://hunter2@host",
        "https://host/?token=hunter2",
        "sqlite:///?password=hunter2",
        "http://bob:hunter2@[",
    ],
)
def test_no_refusal_shows_a_password(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking_uri, "SERVER_TIMEOUT_SECONDS", 0.5)
    with pytest.raises(UserError) as caught:
        check_tracking_uri(text)
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert "'hun'" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://bob:pw@host:5000/x", "http://***@host:5000/x"),
        ("--tracking-uri=https://pw@host", "--tracking-uri=https://***@host"),
        ("run http://a:p@w@h then https://u:v@h2", "run http://***@h then https://***@h2"),
        ("http://h/?access_token=pw&x=1&API-KEY=pw", "http://h/?access_token=***&x=1&API-KEY=***"),
        ("sqlite:////x.db?timeout=30", "sqlite:////x.db?timeout=30"),
        ("run suites/paper.yaml@laptop --only '*@*'", "run suites/paper.yaml@laptop --only '*@*'"),
    ],
)
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_no_password_is_recorded_or_printed(
    cli: Cli, server: str, tiny_suite: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server here takes no record; the command fails, or is stopped, in words."""
    given = f"http://{USER}:{ENCODED}@{server}"
    arguments = ["run", tiny_suite, "--serial", "--plugin", tiny, "--tracking-uri", given]
    arguments += ["--results", tmp_path / "r", "--data-dir", tmp_path / "d"]
    said = cli(*arguments)
    assert said.code == 2, said

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.run.run_suite", stop)
    stopped = cli(*arguments)
    assert f"--tracking-uri 'http://***@{server}'" in stopped.err
    for text in (said.out, said.err, stopped.out, stopped.err):
        assert SECRET not in text
        assert ENCODED not in text


def test_no_password_stands_in_a_recorded_command(open_record: Callable[..., RunWriter], plan: Any) -> None:
    record = open_record()
    invocation = record.begin_invocation(plan, [], "python -m harness run x --tracking-uri http://bob:pw@host?key=pw")
    assert record.invocation(invocation).command == "python -m harness run x --tracking-uri http://***@host?key=***"
    assert "pw" not in str(record.client.get_run(invocation).data.tags)
    record.client.set_tag(invocation, "harness.command", "run http://bob:pw@host")  # as an earlier version kept it
    assert record.invocation(invocation).command == "run http://***@host"


def test_the_address_of_the_environment_is_taken_where_none_is_given(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/other.db")
    assert find_tracking_uri(None, tmp_path) == f"sqlite:///{tmp_path}/other.db"
    assert find_tracking_uri("sqlite:///given.db", tmp_path) == "sqlite:///given.db"
    monkeypatch.setenv(VARIABLE, f"http://{USER}:{ENCODED}@{server}")
    assert find_tracking_uri(None, tmp_path) == f"http://{server}"
    for wrong in ("file:///x", "./mlruns", "databricks", "postgresql://u:pw@host/db"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(UserError, match=f"{VARIABLE} .*: not an address of a record; write") as caught:
            find_tracking_uri(None, tmp_path)
        assert "pw" not in str(caught.value)


def test_commands_record_and_read_where_the_environment_says(
    cli: Cli, tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{results}/mlflow.db?timeout=30")
    assert "nothing is recorded of the suite 'x'" in cli("compare", "x", "y", "--results", tmp_path / "none").sentence
    assert cli("list", "runs", "--json", "--results", tmp_path / "none").out == "[]\n"
    monkeypatch.setenv(VARIABLE, "./mlruns")
    assert VARIABLE in cli("list", "runs").sentence
    assert cli("list", "variants").code == 0  # which asks no record
