"""What trials ask of a cluster, and what it can't give."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engine.cluster import SHARE, Cluster, Node
from harness.errors import UserError
from harness.plan.trial import Trial
from harness.suite.resources import Resources

PLAIN = [Node(cpus=2, gpus=0, share=1)]
WITH_GPUS = [Node(cpus=2, gpus=0, share=1), Node(cpus=8, gpus=4, share=1)]
MakeTrial = Callable[..., Trial]


def test_training_on_the_processor_asks_for_its_threads(training_trial: MakeTrial) -> None:
    request = Cluster(Resources(threads=2, memory_gb=1.5), PLAIN).request(training_trial())
    assert request == {"num_cpus": 2, "memory": 3 * 2**29, "resources": {SHARE: 0.001}}


def test_timing_asks_for_a_node(timing_trial: MakeTrial) -> None:
    request = Cluster(Resources(threads=7), PLAIN).request(timing_trial())
    assert request == {"num_cpus": 1, "resources": {SHARE: 1}}  # one thread is what its protocol names


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_training_on_gpus_asks_for_a_share(training_trial: MakeTrial, timing_trial: MakeTrial, share: float) -> None:
    resources = Resources(threads=2, gpus=share)
    request = Cluster(resources, WITH_GPUS).request(training_trial())
    assert (request["num_gpus"], request["num_cpus"]) == (share, 1)
    timing = Cluster(resources, WITH_GPUS).request(timing_trial())
    assert (timing["num_gpus"], timing["num_cpus"]) == (1, 1)  # never beside others on its GPU


@pytest.mark.parametrize(
    ("device", "nodes", "expected"),
    [("auto", PLAIN, False), ("auto", WITH_GPUS, True), ("cpu", WITH_GPUS, False), ("gpu", PLAIN, True)],
)
def test_where_gpus_are_used(device: str, nodes: list[Node], expected: bool) -> None:
    assert Cluster(Resources.model_validate({"device": device}), nodes).uses_gpu is expected


@pytest.mark.parametrize(
    ("resources", "nodes", "expected"),
    [
        (Resources(threads=1), PLAIN, 2),
        (Resources(threads=2), PLAIN, 1),
        (Resources(threads=3), [Node(8, 0, 1), Node(4, 0, 1)], 3),  # 2 and 1: none spans two nodes
        (Resources(gpus=0.5), WITH_GPUS, 8),
        (Resources(gpus=1), WITH_GPUS, 4),
        (Resources(gpus=0.6), WITH_GPUS, 4),  # none has its share from two GPUs
        (Resources(gpus=0.3), WITH_GPUS, 8),  # twelve by the GPUs, but a processor each
        (Resources(gpus=0.3333), [Node(64, 2, 1)], 6),
        (Resources(gpus=0.00001), [Node(64, 2, 1)], 64),
        (Resources(threads=2), [Node(3, 0, 1)], 1),
        (Resources(threads=1), [Node(2, 0, 0)], 2),
        (Resources(threads=1), [Node(2, 0, 0), Node(1, 0, 1)], 1),  # one without a share is left alone
        (Resources(threads=1, memory_gb=4), [Node(8, 0, 1, memory=10 * 2**30)], 2),
        (Resources(threads=1, memory_gb=0), PLAIN, 2),
        (Resources(threads=64), PLAIN, 1),
    ],
)
def test_how_many_run_at_a_time(resources: Resources, nodes: list[Node], expected: int) -> None:
    assert Cluster(resources, nodes).slots == expected


@pytest.mark.parametrize("nodes", [PLAIN, WITH_GPUS])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_reserved_is_what_a_trial_runs_with(
    training_trial: MakeTrial, timing_trial: MakeTrial, nodes: list[Node], threads: int
) -> None:
    resources = Resources(threads=threads)
    for trial in (training_trial(), timing_trial(), timing_trial(("threads: 1", "threads: 5"))):
        used = Cluster(resources, nodes).threads(trial)
        assert Cluster(resources, nodes).request(trial)["num_cpus"] == used
    assert used == 5


def test_training_needs_no_share_where_no_node_has_one(training_trial: MakeTrial) -> None:
    assert "resources" not in Cluster(Resources(), [Node(2, 0, 0)]).request(training_trial())


def refusal(trials: list[Trial], resources: Resources, nodes: list[Node]) -> str:
    with pytest.raises(UserError) as caught:
        Cluster(resources, nodes).check(trials, "suites/s.yaml")
    message = str(caught.value)
    assert message.startswith("suites/s.yaml: ")
    assert len(message.splitlines()) == 1
    return message


def test_what_can_be_served(trials: Callable[..., list[Trial]]) -> None:
    Cluster(Resources(threads=2), PLAIN).check(trials(), "s")
    Cluster(Resources(device="gpu", gpus=0.5), WITH_GPUS).check(trials(), "s")


def test_a_gpu_where_there_is_none(trials: Callable[..., list[Trial]]) -> None:
    message = refusal(trials(), Resources(device="gpu"), PLAIN)
    assert "resources.device is 'gpu', but no node has a GPU" in message
    assert "'auto' or 'cpu'" in message


def test_more_threads_than_any_node_has(training_trial: MakeTrial, timing_trial: MakeTrial) -> None:
    message = refusal([training_trial()], Resources(threads=3), PLAIN)
    assert "asks for 3 threads, but the largest node has 2" in message
    timed = timing_trial(("threads: 1", "threads: 16"))
    assert "asks for 16 threads" in refusal([timed], Resources(), PLAIN)
    two_small = [Node(2, 0, 1), Node(2, 0, 1)]
    assert "largest node has 2" in refusal([training_trial()], Resources(threads=4), two_small)


def test_a_node_with_the_gpus_and_another_with_the_threads_is_not_enough(training_trial: MakeTrial) -> None:
    nodes = [Node(cpus=0, gpus=1, share=1), Node(cpus=8, gpus=0, share=1)]
    refusal([training_trial()], Resources(device="gpu"), nodes)


def test_a_node_with_the_memory_and_another_with_the_threads_is_not_enough(training_trial: MakeTrial) -> None:
    nodes = [Node(cpus=1, gpus=0, share=1, memory=64 * 2**30), Node(cpus=8, gpus=0, share=1, memory=2**30)]
    assert "no single node has all" in refusal([training_trial()], Resources(threads=4, memory_gb=16), nodes)


def test_more_memory_than_any_node_has(training_trial: MakeTrial) -> None:
    message = refusal([training_trial()], Resources(memory_gb=64), [Node(2, 0, 1, memory=6 * 2**30)])
    assert "resources.memory_gb is 64" in message
    assert "6.0" in message


def test_timing_without_a_node_to_itself(trials: Callable[..., list[Trial]]) -> None:
    message = refusal(trials(), Resources(), [Node(cpus=8, gpus=0, share=0)])
    assert f"'{SHARE}'" in message
    assert "ray start --resources" in message
