"""The tracking URI of the record: a SQLite file under results/ by default, or any MLflow tracking server."""

from __future__ import annotations

import base64
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from harness.errors import UserError
from harness.paths import expanded
from harness.record.masking import masked

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
SERVER_TIMEOUT_SECONDS = 5
SQLITE = "sqlite:///"
OPTION, VARIABLE = "--tracking-uri", "MLFLOW_TRACKING_URI"
USERNAME, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"


class TrackingUri(str):
    """The tracking URI of a record, as MLflow takes it."""

    @classmethod
    def of(cls, path: Path) -> TrackingUri:
        """Return the tracking URI of a SQLite file."""
        # both characters have a meaning in a URI
        return cls(SQLITE + str(path).replace("%", "%25").replace("?", "%3F"))

    @property
    def is_local(self) -> bool:
        """Whether the record is a file rather than a server."""
        return self.startswith(SQLITE)

    @property
    def path(self) -> Path:
        """The file of a local record, without the query part of the URI."""
        return Path(unquote(self.removeprefix(SQLITE).partition("?")[0]))

    def exists(self) -> bool:
        """Whether there is a record; always true for a server, which is not asked."""
        return not self.is_local or self.path.is_file()


def be_quiet() -> None:
    """Set environment variables for MLflow before it is imported: no telemetry, no background jobs."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def default_tracking_uri(results: Path) -> TrackingUri:
    """Return the tracking URI of the record under a results folder."""
    return TrackingUri.of(results.resolve() / "mlflow.db")


def find_tracking_uri(option: str | None, results: Path) -> TrackingUri:
    """Return the tracking URI: the option's, else that of MLFLOW_TRACKING_URI, else the one under a results folder.

    Raises:
        UserError: its scheme is unknown, or no server answers there.
    """
    if option:
        return check_tracking_uri(option)
    if os.environ.get(VARIABLE):
        return check_tracking_uri(os.environ[VARIABLE], VARIABLE)
    return default_tracking_uri(results)


def check_tracking_uri(tracking_uri: str, said: str = OPTION) -> TrackingUri:
    """Check that the record can be reached, and return its tracking URI.

    A user and a password in it move to the environment variables from which MLflow reads them.

    Arguments:
        said: the option or variable that gave the URI.

    Raises:
        UserError: no server answers there, or the scheme is unknown.
    """
    if tracking_uri.startswith(SQLITE):
        file = tracking_uri.removeprefix(SQLITE)
        return _check_file(TrackingUri(SQLITE + (str(expanded(file)) if file.startswith("~") else file)), said)
    if not tracking_uri.startswith(("http://", "https://")):
        raise UserError(
            f"{said} {masked(tracking_uri)}: not an address of a record; write http://HOST:PORT or sqlite:///FILE."
        )
    try:
        tracking_uri = _without_user(tracking_uri)
        _ask(tracking_uri)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{said} {masked(tracking_uri)}: no MLflow server answers there ({reason}); start it, or leave it out to "
            f"record under results/."
        ) from None
    return TrackingUri(tracking_uri)


def _check_file(tracking_uri: TrackingUri, said: str) -> TrackingUri:
    name = str(tracking_uri.path)
    if name in (".", "/", ":memory:") or name.startswith("file:"):
        raise UserError(f"{said} {masked(tracking_uri)}: it names no file; write sqlite:///FILE.")
    return tracking_uri


def _without_user(tracking_uri: str) -> str:
    parts = urlsplit(tracking_uri)
    user, _, host = parts.netloc.rpartition("@")
    if not user and "@" in tracking_uri:
        raise ValueError("in a password / ? and # are written as %2F, %3F and %23")
    if user:
        name, _, password = user.partition(":")
        os.environ[USERNAME], os.environ[PASSWORD] = unquote(name), unquote(password)
    return urlunsplit(parts._replace(netloc=host))


def _ask(tracking_uri: str) -> None:
    """Ask a server whether it is up; MLflow itself checks the login, in more ways."""
    request = urllib.request.Request(f"{tracking_uri.rstrip('/')}/health")
    for name, value in _login().items():
        request.add_unredirected_header(name, value)
    try:
        urllib.request.urlopen(request, timeout=SERVER_TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code not in (401, 403):
            raise


def _login() -> dict[str, str]:
    """Return the HTTP header that logs in with the environment's user and password, or token."""
    name, password, token = (os.environ.get(each, "") for each in (USERNAME, PASSWORD, TOKEN))
    if name and password:
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token else {}


def require_record(tracking_uri: TrackingUri) -> None:
    """Check that a record exists before it is read, since reading must not create an empty one.

    Raises:
        UserError: there is none.
    """
    if not tracking_uri.exists():
        raise UserError(
            f"there is no record at {tracking_uri.path} yet; run a suite first, or name one with --tracking-uri."
        )


def make_folder(folder: Path) -> None:
    """Create a folder, and check that it can be written to.

    Raises:
        UserError: it can't be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; name another folder.") from None


def artifact_folder(tracking_uri: str, results: Path) -> str | None:
    """Return the URI of the folder for the artifacts of a local record; None for a server, which chooses its own."""
    return (results.resolve() / "artifacts").as_uri() if TrackingUri(tracking_uri).is_local else None
