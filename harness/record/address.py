"""Where the record is kept: a SQLite file under results/ by default, or any MLflow tracking server."""

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
PATIENCE = 5  # seconds that a server may take to answer
SQLITE = "sqlite:///"
OPTION, VARIABLE = "--tracking-uri", "MLFLOW_TRACKING_URI"
USERNAME, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"


class TrackingUri(str):
    """The address of a record as MLflow takes it."""

    @classmethod
    def of(cls, path: Path) -> TrackingUri:
        """The address of a file."""
        # the two signs mean something in an address
        return cls(SQLITE + str(path).replace("%", "%25").replace("?", "%3F"))

    @property
    def is_local(self) -> bool:
        """Whether it is a file and no server."""
        return self.startswith(SQLITE)

    @property
    def path(self) -> Path:
        """The file of a local record, whatever options of the database stand behind it."""
        return Path(unquote(self.removeprefix(SQLITE).partition("?")[0]))

    def exists(self) -> bool:
        """Whether there is a record; of a server that is not looked up."""
        return not self.is_local or self.path.is_file()


def be_quiet() -> None:
    """Set MLflow's environment before it is imported: no telemetry, no background jobs."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def default_address(results: Path) -> TrackingUri:
    """The address of the record under a results folder."""
    return TrackingUri.of(results.resolve() / "mlflow.db")


def find_address(option: str | None, results: Path) -> TrackingUri:
    """The address of the record: the option's, else that of MLFLOW_TRACKING_URI, else the one under a results folder.

    Raises:
        UserError: it is of no known kind, or no server answers there.
    """
    if option:
        return check_address(option)
    if os.environ.get(VARIABLE):
        return check_address(os.environ[VARIABLE], VARIABLE)
    return default_address(results)


def check_address(address: str, said: str = OPTION) -> TrackingUri:
    """The address as MLflow takes it, once it is known that the record can be reached.

    A user and a password in it go where MLflow looks for them: into the environment.

    Arguments:
        said: where the address was given.

    Raises:
        UserError: no server answers there, or the address is of no known kind.
    """
    if address.startswith(SQLITE):
        file = address.removeprefix(SQLITE)
        return _check_file(TrackingUri(SQLITE + (str(expanded(file)) if file.startswith("~") else file)), said)
    if not address.startswith(("http://", "https://")):
        raise UserError(
            f"{said} {masked(address)}: not an address of a record; write http://HOST:PORT or sqlite:///FILE."
        )
    try:
        address = _without_user(address)
        _ask(address)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{said} {masked(address)}: no MLflow server answers there ({reason}); start it, or leave it out to record "
            f"under results/."
        ) from None
    return TrackingUri(address)


def _check_file(address: TrackingUri, said: str) -> TrackingUri:
    name = str(address.path)
    if name in (".", "/", ":memory:") or name.startswith("file:"):
        raise UserError(f"{said} {masked(address)}: it names no file; write sqlite:///FILE.")
    return address


def _without_user(address: str) -> str:
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    if not user and "@" in address:
        raise ValueError("in a password / ? and # are written as %2F, %3F and %23")
    if user:
        name, _, password = user.partition(":")
        os.environ[USERNAME], os.environ[PASSWORD] = unquote(name), unquote(password)
    return urlunsplit(parts._replace(netloc=host))


def _ask(address: str) -> None:
    """Ask a server whether it is there; whom it lets in is found out by MLflow, which knows more ways to log in."""
    request = urllib.request.Request(f"{address.rstrip('/')}/health")
    for name, value in _login().items():
        request.add_unredirected_header(name, value)
    try:
        urllib.request.urlopen(request, timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        if error.code not in (401, 403):
            raise


def _login() -> dict[str, str]:
    """The header by which the user of the environment logs in."""
    name, password, token = (os.environ.get(each, "") for each in (USERNAME, PASSWORD, TOKEN))
    if name and password:
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token else {}


def require_record(address: TrackingUri) -> None:
    """Reading must not create an empty record.

    Raises:
        UserError: there is none at the address.
    """
    if not address.exists():
        raise UserError(
            f"there is no record at {address.path} yet; run a suite first, or name one with --tracking-uri."
        )


def make_folder(folder: Path) -> None:
    """Make a folder that can be written to.

    Raises:
        UserError: it can't.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; name another folder.") from None


def artifact_folder(address: str, results: Path) -> str | None:
    """Where the artifacts of a local record go; a server decides for itself."""
    return (results.resolve() / "artifacts").as_uri() if TrackingUri(address).is_local else None
