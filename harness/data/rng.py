"""Random numbers that are the same on every machine and with every version of NumPy.

NumPy guarantees the raw output of a bit generator across versions, but not that of `Generator`; so everything here is
computed from the raw 64-bit words, by integer operations and by exact ones on floats.
"""

from __future__ import annotations

import hashlib

import numpy as np


class Stream:
    """The random numbers that belong to an identity, for example `Stream("batches", seed, epoch)`."""

    def __init__(self, *identity: str | int) -> None:
        name = "/".join(str(part) for part in identity)
        self._words = np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))

    def uniform(self, count: int) -> np.ndarray:
        """(count,) float64 in [0, 1), multiples of 2⁻⁵³."""
        return (self._words.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, bound: int | np.ndarray, count: int) -> np.ndarray:
        """(count,) int64, each value uniform over 0..bound-1; `bound` may be (count,) too."""
        return np.floor(self.uniform(count) * bound).astype(np.int64)

    def permutation(self, count: int) -> np.ndarray:
        """(count,) int64: 0..count-1 in random order."""
        return np.argsort(self._words.random_raw(count), kind="stable").astype(np.int64)
