"""Correct the artifact paths in a local record whose results folder was moved or copied."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.record.tracking_uri import TrackingUri

DATABASE_TIMEOUT_SECONDS = 20.0  # while another process writes to the database

PLACES = (  # table, its columns of the id and of the path, and the path below the experiment's folder
    ("runs", "run_uuid", "artifact_uri", "{}/artifacts"),
    ("logged_models", "model_id", "artifact_location", "models/{}/artifacts"),
)


def bring_home(tracking_uri: TrackingUri, experiment: str, artifacts: str) -> None:
    """Point an experiment and its artifacts to a folder.

    MLflow stores absolute paths and has no request that changes them, so the database is changed.

    Arguments:
        artifacts: the folder, as `artifact_folder` gives it.
    """
    with closing(sqlite3.connect(tracking_uri.path, timeout=DATABASE_TIMEOUT_SECONDS)) as database, database:
        [kept] = database.execute("SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,))
        if kept[0] == artifacts:
            return
        for table, name, column, form in PLACES:
            kept_at = f"SELECT {name}, {column} FROM {table} WHERE experiment_id = ?"
            for each, before in database.execute(kept_at, (experiment,)).fetchall():
                now = f"{artifacts}/{form.format(each)}"
                if _folder(now).exists() or not _folder(before).exists():
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE {name} = ?", (now, each))
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (artifacts, experiment)
        )


def _folder(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
