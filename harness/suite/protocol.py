"""Protocols: the settings of training and of timing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["float32", "tf32", "bfloat16"]
ERROR_TITLE, TIME_TITLE = "Test error, percent", "Seconds per training iteration"


class Settings(BaseModel):
    """Frozen settings whose unknown keys are errors, as are numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Schedule(Settings):
    """Exponential decay of the learning rate."""

    factor: float = Field(1.0, gt=0, le=1, description="what the rate is multiplied by")
    every: int = Field(1000, ge=1, le=10**9, description="decay period, in iterations of the full protocol")
    staircase: bool = Field(False, description="whether the rate falls in steps")
    floor: float = Field(0.0, ge=0, le=1, description="the rate never falls below this")

    def rate(self, initial: float, iteration: float) -> float:
        """Return the learning rate at an iteration of the full protocol."""
        periods = iteration / self.every
        return max(self.floor, initial * self.factor ** (int(periods) if self.staircase else periods))


class Protocol(Settings):
    """How a variant is trained."""

    batch_size: int = Field(ge=1, le=65_536, description="images per iteration")
    epochs: float = Field(gt=0, le=10_000, description="passes over the training images")
    optimizer: Literal["adam"] = Field("adam", description="the only one so far")
    learning_rate: float = Field(gt=0, le=10, description="of the first iteration")
    schedule: Schedule = Field(Schedule(), description="decay of the learning rate")
    shift: int = Field(0, ge=0, le=8, description="random shift in pixels, where a task places no digits itself")
    source: str = Field("", description="where these settings come from")

    def full_iterations(self, examples: int) -> int:
        """Return the number of iterations of the whole protocol, with `examples` training images."""
        return max(1, round(self.epochs * (examples // self.batch_size)))


class TimingProtocol(Settings):
    """How a training iteration is timed, in each of `rounds` fresh processes per row."""

    task: str = Field("mnist", description="the dataset whose images the timed batch holds")
    batch_size: int = Field(100, ge=1, le=65_536, description="images per timed iteration")
    rounds: int = Field(6, ge=1, le=1000, description="fresh processes per row, in randomised complete blocks")
    iterations: int = Field(30, ge=2, le=100_000, description="timed iterations per process")
    with_data: int = Field(5, ge=1, le=100_000, description="further iterations that make their batch first")
    warmup: int = Field(10, ge=0, le=10_000, description="iterations before the first timed one, at least")
    window: int = Field(5, ge=1, le=1000, description="iterations per window of the warm-up")
    tolerance: float = Field(0.05, gt=0, le=1, description="how far the medians of two windows may differ")
    longest_warmup: int = Field(60, ge=0, le=100_000, description="iterations after which warm-up gives up")
    threads: int = Field(2, ge=1, le=1024, description="processor threads of a timed process")
    sentinel: int = Field(
        3, ge=0, le=1000, description="timed iterations of a fixed model, before and after each process; 0: none"
    )
