"""`harness doctor`: describe this machine and say what is missing on it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from harness.cli.console import make_console
from harness.cli.data import verify_data
from harness.cli.options import RESULTS, DataDir, Results
from harness.cli.streams import standard_output
from harness.errors import UserError
from harness.record.tracking_uri import make_folder

PACKAGES = ("torch", "torchvision", "ray", "mlflow", "pydantic", "scipy", "typer", "rich")
SPACE = 5  # GiB


def doctor(data_dir: DataDir = None, results: Results = RESULTS) -> None:
    """Describe this machine and say what is missing on it."""
    findings = examine(data_dir, results)
    with standard_output():
        for finding in findings:
            make_console(stderr=False).print(str(finding))
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    is_well: whether nothing has to be done before a run.
    word: the state in a word, where it is not "ok" or "MISSING".
    """

    is_well: bool
    text: str
    word: str = ""

    def __str__(self) -> str:
        return f"{self.word or ('ok' if self.is_well else 'MISSING'):<7} {self.text}"


def examine(data_dir: Path | None, results: Path) -> list[Finding]:
    """Check the interpreter, the packages, the processor, the memory, the GPUs, the disk and the data."""
    return [*_packages(), *_machine(), _folder("results", results), *_data(data_dir)]


def _packages() -> list[Finding]:
    findings = [Finding(sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (needs 3.11)")]
    for package in PACKAGES:
        try:
            findings.append(Finding(True, f"{package} {version(package)}"))
        except PackageNotFoundError:
            findings.append(Finding(False, f"{package}: not installed; run 'make install'"))
    return findings


def _machine() -> list[Finding]:
    import psutil
    import torch

    from harness.worker.processors import usable_cpus

    memory = psutil.virtual_memory()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return [
        Finding(
            True,
            f"{usable_cpus()} of {os.cpu_count()} cores, "
            f"vector instructions: {torch.backends.cpu.get_cpu_capability()}",
        ),
        Finding(memory.total >= 8 * 2**30, f"{memory.total / 2**30:.0f} GiB of memory (8 wanted)"),
        Finding(True, f"GPUs: {', '.join(gpus) or 'none, trials run on the processor'}"),
    ]


def _folder(what: str, folder: Path) -> Finding:
    try:
        make_folder(folder)
    except UserError as error:
        return Finding(False, f"{what}: {error}")
    free = shutil.disk_usage(folder).free / 2**30
    return Finding(free >= SPACE, f"{what} in {folder}: {free:.0f} GiB free ({SPACE} wanted)")


def _data(data_dir: Path | None) -> list[Finding]:
    from harness.data import data_folder

    try:
        findings = [_data_folder(data_folder(data_dir))]
    except UserError as error:
        return [Finding(False, f"data: {error}")]
    for line in verify_data(data_dir):
        findings.append(_dataset(line["state"], f"{line['name']}: {line['details']}"))
    return findings


def _dataset(state: str, text: str) -> Finding:
    if state == "missing":
        return Finding(True, f"{text} A run that needs it fetches it.", "missing")
    return Finding(state == "ready", text, "" if state == "ready" else state.upper())


def _data_folder(folder: Path) -> Finding:
    if folder.is_dir() and not os.access(folder, os.W_OK):
        return Finding(True, f"data in {folder}: can only be read, so that what is missing there can't be fetched")
    return _folder("data", folder)
