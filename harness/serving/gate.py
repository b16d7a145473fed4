"""Access control for MLflow's server: its own pages can read a record, and no request can write to it.

The server has no login, so whatever it did for one user of the machine it would do for all of them; and a page of any
web site can send requests to it from the browser of a user who visits that site.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES, HTTP = ("127.0.0.1", "localhost"), 80
PAGES = {"/", "/health", "/version", "/graphql", "/get-artifact", "/model-versions/get-artifact"}
STATIC = "/static-files/"
APIS = ("/api/2.0/mlflow/", "/api/3.0/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/3.0/mlflow/")
# endpoints under the same paths that connect to other servers or start programs
CLOSED = ("assistant", "gateway", "gateway-proxy", "jobs", "mcp-servers", "webhooks")
# POST requests that only read; so does GraphQL, whose schema has no mutation that writes
SEARCHES = {
    "datasets/search",
    "experiments/search",
    "experiments/search-datasets",
    "issues/search",
    "logged-models/search",
    "registered-models/get-latest-versions",
    "runs/search",
    "traces/batchGetInfos",
    "traces/calculate-filter-correlation",
    "traces/metrics",
    "traces/search",
}


class Gate:
    """ASGI middleware that passes requests that only read to an application, and answers 403 to all others.

    Arguments:
        app: the application.
        port: on 127.0.0.1, where the application is served.
    """

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.hosts = {f"{host}:{port}" for host in NAMES} | (set(NAMES) if port == HTTP else set())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif reason := self._refusal(scope):
            await _refuse(reason, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Message) -> str:
        """Why a request is refused; empty if it is not."""
        # A site can let its own name resolve to 127.0.0.1, and its pages could then read the responses (DNS rebinding).
        if not self.hosts.issuperset(_values(scope, b"host") or [""]):
            return "this address is not served here"
        if not {f"http://{host}" for host in self.hosts}.issuperset(_values(scope, b"origin")):
            return "another site's page may not ask"
        if not reads(scope["method"], scope["path"]):
            return "python -m harness ui only shows a record; start `mlflow server` to change it"
        return ""


def reads(method: str, path: str) -> bool:
    """Whether a request of this method and path only reads."""
    inside = next((path.removeprefix(api) for api in APIS if path.startswith(api)), None)
    if method in ("GET", "HEAD"):
        is_open = inside is not None and inside.partition("/")[0] not in CLOSED
        return is_open or path in PAGES or path.startswith(STATIC)
    return method == "POST" and (path == "/graphql" or inside in SEARCHES)


def _values(scope: Message, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


async def _refuse(reason: str, send: Send) -> None:
    body = json.dumps({"error_code": "PERMISSION_DENIED", "message": reason}).encode()
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
