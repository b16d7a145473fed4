"""What a training trial takes of the machine it runs on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.suite.protocol import Settings


class Resources(Settings):
    """What a training trial takes of the machine it runs on."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU where the cluster has one")
    threads: int = Field(1, ge=1, le=1024, description="processor threads of a trial without a GPU")
    gpus: float = Field(1.0, gt=0, le=1, description="the share of a GPU that a trial takes")
    memory_gb: float = Field(2.0, ge=0, le=4096, description="GiB of main memory that a trial reserves")
