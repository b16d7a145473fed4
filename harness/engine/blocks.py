"""Assign each timing block to a node: the rows of a block are compared with each other, so all run on the same one."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.plan.trial import TimingTrial


class Blocks:
    """Assigns a random node to each block, and keeps it while that node is alive.

    Arguments:
        homes: the node that each block was timed on by earlier runs, by block.
    """

    def __init__(self, homes: Mapping[int, str]) -> None:
        self._nodes = dict(homes)

    def node(self, block: int, able: Collection[str], busy: Collection[str | None] = ()) -> str | None:
        """Return the node of a block, assigning one if it has none or has lost it; None while it is busy.

        Arguments:
            able: names of the nodes that can run a timing trial.
            busy: names of the nodes on which a timing trial is running.
        """
        kept = self._nodes.get(block)
        if kept is None or kept not in able:
            free = sorted(set(able) - set(busy))
            if not free:
                return None
            kept = self._nodes[block] = random.Random(block).choice(free)
        return kept if kept not in busy else None

    def choose(
        self, waiting: Sequence[TimingTrial], running: Iterable[TimingTrial], able: Collection[str]
    ) -> TimingTrial | None:
        """Return the first waiting trial whose block's node is free; None if there is none."""
        busy = {self._nodes.get(trial.round) for trial in running}
        return next((trial for trial in waiting if self.node(trial.round, able, busy) is not None), None)
