"""Silence MLflow for a caller who may have set it up differently."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from harness.record.tracking_uri import be_quiet

LOGGERS = ("mlflow", "mlflow.store.db.utils", "alembic")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Silence MLflow within the context; restore the environment and the loggers at its end."""
    environment, levels = dict(os.environ), {name: logging.getLogger(name).level for name in LOGGERS}
    be_quiet()
    try:
        yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update({name: text for name, text in environment.items() if os.environ.get(name) != text})
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
