"""Start a Ray cluster of one node, join it by its address, and run trials of a plugin whose file is gone by then.

python joining.py FOLDER PLUGIN
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}

from ray.cluster_utils import Cluster as RayCluster

from harness.engine.cluster import SHARE, Cluster
from harness.engine.connect import connected
from harness.engine.events import Failed, Progressed
from harness.engine.remote import RayExecutor
from harness.plan.make import make_plan
from harness.registry import load_plugin
from harness.suite.load import load_suite
from harness.suite.resources import Resources
from harness.worker.context import WorkerContext
from tests.harness.engine.heard import heard

SUITE = """
name: joining
protocols: {short: {batch_size: 20, epochs: 1, learning_rate: 0.01}}
errors: {tasks: [tiny-digits], seeds: [0], rows: [{variant: tiny, protocol: short}]}
times: {task: tiny-digits, batch_size: 20, rounds: 1, iterations: 2, threads: 1, sentinel: 1, rows: [{variant: tiny}]}
"""


def join(folder: Path, plugin: Path) -> None:
    """Run a timing and a training trial one after the other and print how each ended."""
    load_plugin(plugin)
    (folder / "suite.yaml").write_text(SUITE)
    plan = make_plan(load_suite(folder / "suite.yaml"), folder)
    context = WorkerContext(data=folder, checkpoints=folder / "checkpoints", threads=1, plugins=(plugin,))
    node = RayCluster(initialize_head=True, head_node_args={"num_cpus": 2, "resources": {SHARE: 1}})
    os.chdir("/")  # nothing may be importable by chance
    with connected(node.address, [plugin]) as offers:
        plugin.unlink()
        executor = RayExecutor(lambda trial: context, Cluster(Resources(memory_gb=0.1), offers))
        for kind in ("timing", "training"):
            executor.submit(next(t for t in plan.trials if (t.kind, t.variant) == (kind, "tiny")), 1)
            while executor.running:
                for event in heard(executor):
                    if not isinstance(event, Progressed):
                        details = event.details if isinstance(event, Failed) else ""
                        print(f"{type(event).__name__} {event.trial.kind} {details}".rstrip())
    node.shutdown()


if __name__ == "__main__":
    join(Path(sys.argv[1]), Path(sys.argv[2]))
