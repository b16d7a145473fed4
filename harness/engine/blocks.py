"""Which node each block of a timing table runs on: its rows are compared with one another, so all of them on one."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.plan.trial import TimingTrial


class Blocks:
    """Draws a node for each block and keeps it as long as that node is there.

    Arguments:
        homes: the nodes that rows of blocks were timed on before.
    """

    def __init__(self, homes: Mapping[int, str]) -> None:
        self._nodes = dict(homes)

    def node(self, block: int, able: Collection[str], busy: Collection[str | None] = ()) -> str | None:
        """The node of a block, or None while that is busy; a new one if it can serve no more, or there was none.

        Arguments:
            able: the nodes that can time something now, by name.
            busy: those of them where something is being timed.
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
        """The first of the waiting trials whose block has a node that times nothing else."""
        busy = {self._nodes.get(trial.round) for trial in running}
        return next((trial for trial in waiting if self.node(trial.round, able, busy) is not None), None)
