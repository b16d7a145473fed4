"""What reads passes, asked by MLflow's own pages; what would write, or comes from elsewhere, does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.serving.gate import Gate, reads

PORT = 5000
HERE = [(b"host", b"127.0.0.1:5000")]


def answer(headers: list[tuple[bytes, bytes]], method: str = "GET", path: str = "/", port: int = PORT) -> int:
    """The status that a request gets; 200 where the gate lets it through."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> Any:
        raise AssertionError("the body is not looked at")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(Gate(app, port)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/health"),
        ("GET", "/static-files/static/js/main.js"),
        ("GET", "/get-artifact"),
        ("GET", "/ajax-api/2.0/mlflow/artifacts/list"),
        ("GET", "/ajax-api/3.0/mlflow/server-info"),
        ("GET", "/api/2.0/mlflow/runs/get"),
        ("POST", "/ajax-api/2.0/mlflow/runs/search"),
        ("POST", "/api/2.0/mlflow/experiments/search"),
        ("POST", "/graphql"),
    ],
)
def test_what_reads(method: str, path: str) -> None:
    assert reads(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ajax-api/2.0/mlflow/upload-artifact"),
        ("POST", "/api/2.0/mlflow/experiments/create"),
        ("POST", "/ajax-api/2.0/mlflow/runs/set-tag"),
        ("POST", "/ajax-api/2.0/mlflow/runs/search/"),
        ("POST", "//ajax-api/2.0/mlflow/runs/search"),
        ("POST", "/ajax-api/2.0/mlflow/runs/../runs/search"),
        ("POST", "/v1/traces"),
        ("POST", "/"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/model/trained.py"),
        ("PUT", "/ajax-api/2.0/mlflow/runs/search"),
        ("DELETE", "/ajax-api/3.0/mlflow/traces/0"),
        ("PATCH", "/ajax-api/2.0/mlflow/registered-models/update"),
        ("OPTIONS", "/ajax-api/2.0/mlflow/runs/search"),
        ("GET", "/ajax-api/2.0/mlflow/gateway-proxy"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/config"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts"),
        ("GET", "/somewhere"),
        ("post", "/ajax-api/2.0/mlflow/runs/search"),
    ],
)
def test_what_does_not_only_read(method: str, path: str) -> None:
    assert not reads(method, path)
    assert answer(HERE, method, path) == 403


@pytest.mark.parametrize("host", [b"127.0.0.1:5000", b"localhost:5000"])
def test_its_own_pages_pass(host: bytes) -> None:
    assert answer([(b"host", host)]) == 200
    assert answer([(b"host", host), (b"origin", b"http://" + host)]) == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"10.evil.example:5000")],
        [(b"host", b"127.0.0.1.evil.example:5000")],
        [(b"host", b"127.0.0.1:5001")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"192.168.0.1:5000")],
        [*HERE, (b"host", b"evil.example")],
        [*HERE, (b"origin", b"http://evil.example")],
        [*HERE, (b"origin", b"http://localhost:8888")],
        [*HERE, (b"origin", b"https://127.0.0.1:5000")],
        [*HERE, (b"origin", b"127.0.0.1:5000")],
        [*HERE, (b"origin", b"null")],
    ],
)
def test_what_comes_from_elsewhere_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert answer(headers) == 403


def test_a_browser_leaves_out_the_port_of_http() -> None:
    assert answer([(b"host", b"localhost"), (b"origin", b"http://localhost")], port=80) == 200
