"""Makespan of many replicas on GPUs that are taken away now and then, with and without checkpoints.

A discrete-event simulation (simpy) of what the cluster does with the replicas of stage
``nucleate``: every GPU runs one replica at a time; preemptions come to each busy GPU as a Poisson
process; a preempted replica waits for its backoff, is placed again, and goes on from its last
checkpoint or, without checkpoints, from the beginning. One controller makes the pods: it looks at
the whole workflow in passes whose length grows with the workflow's nodes, and no faster than its
rate limit.

Everything is an argument. Measured: the hours of one replica (700,000 steps at 62 ms on an H100)
and what checkpoints cost (``checkpoint_overhead.py``). What cannot be measured without a cluster
has the default that Argo ships (rate of requests) or a guess: 60 s from a pod's creation to its
first step, two minutes until a GPU that was taken away is replaced, one preemption in ten without
a warning, 2 ms of the controller's pass for each node.

    python benchmarks/scheduling.py [--hours 12] [--start-s 60] [--interval-s 300] ...
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simpy

HOUR_S = 3600.0
LIMIT = 0.05
"""Share of the makespan from which the controller counts as what limits it."""


@dataclass(frozen=True)
class Cluster:
    """What is simulated; times in seconds.

    Attributes
    ----------
    gpus, replicas : int
        GPUs there are, replicas to run.
    length_s : float
        Undisturbed molecular dynamics of one replica.
    preemptions_per_h : float
        Chance of a busy GPU to be taken away, per hour.
    interval_s : float or None
        Time between checkpoints; None means that there are none.
    overhead : float
        Share of the time that checkpoints cost.
    warned : float
        Share of preemptions that leave the time for a last checkpoint (SIGTERM and a grace period);
        without checkpoints they lose as much as the others.
    start_s : float
        From a pod's creation to its first step: placing, starting, reading models and checkpoint.
    backoff_s : float
        Pause before a retry.
    replacement_s : float
        Until a GPU that was taken away is there again.
    pods_per_s : float
        Most pods that the controller makes in a second.
    pass_s_per_node : float
        Time of the controller's pass over the workflow, for each of its nodes.
    """

    gpus: int
    replicas: int
    length_s: float
    preemptions_per_h: float
    interval_s: float | None
    overhead: float
    warned: float
    start_s: float
    backoff_s: float
    replacement_s: float
    pods_per_s: float
    pass_s_per_node: float

    @property
    def ideal_s(self) -> float:
        """Makespan on GPUs that are never taken away, with pods that start at once."""
        return -(-self.replicas // self.gpus) * self.length_s


class Controller:
    """Makes pods: waits for its next pass, then for its turn under the rate limit."""

    def __init__(self, env: simpy.Environment, cluster: Cluster) -> None:
        self._env = env
        self._pass_s = cluster.pass_s_per_node * cluster.replicas
        self._gap_s = 1 / cluster.pods_per_s
        self._free_at = 0.0

    def make_pod(self) -> Iterator[Any]:
        """Wait until the pod is made."""
        # the pass under way does not see the event, the next one does: one and a half on average
        noticed = self._env.now + 1.5 * self._pass_s
        self._free_at = max(self._free_at, noticed) + self._gap_s
        yield self._env.timeout(self._free_at - self._env.now)


def simulate(cluster: Cluster, seed: int) -> float:
    """Return the makespan in seconds."""
    env = simpy.Environment()
    gpus = simpy.Container(env, capacity=cluster.gpus, init=cluster.gpus)
    controller = Controller(env, cluster)
    random = np.random.default_rng(seed)
    replicas = [
        env.process(_replica(env, cluster, gpus, controller, random))
        for _ in range(cluster.replicas)
    ]
    env.run(simpy.AllOf(env, replicas))
    return float(env.now)


def _replica(
    env: simpy.Environment,
    cluster: Cluster,
    gpus: simpy.Container,
    controller: Controller,
    random: np.random.Generator,
) -> Iterator[Any]:
    slow = 1 + (cluster.overhead if cluster.interval_s else 0)
    left_s = cluster.length_s * slow
    while True:
        yield from controller.make_pod()
        yield gpus.get(1)
        mean_s = HOUR_S / cluster.preemptions_per_h if cluster.preemptions_per_h else np.inf
        taken_after_s = random.exponential(mean_s) if np.isfinite(mean_s) else np.inf
        if taken_after_s >= cluster.start_s + left_s:
            yield env.timeout(cluster.start_s + left_s)
            yield gpus.put(1)
            return
        yield env.timeout(taken_after_s)
        if cluster.interval_s:
            done_s = max(0.0, taken_after_s - cluster.start_s)
            kept_s = done_s // cluster.interval_s * cluster.interval_s
            left_s -= done_s if random.random() < cluster.warned else kept_s
        env.process(_give_back(env, gpus, cluster.replacement_s))
        yield env.timeout(cluster.backoff_s)


def _give_back(env: simpy.Environment, gpus: simpy.Container, after_s: float) -> Iterator[Any]:
    yield env.timeout(after_s)
    yield gpus.put(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=12.0, help="MD of one replica")
    parser.add_argument("--start-s", type=float, default=60.0)
    parser.add_argument("--interval-s", type=float, default=300.0)
    parser.add_argument("--overhead", type=float, default=0.001)
    parser.add_argument("--warned", type=float, default=0.9)
    parser.add_argument("--backoff-s", type=float, default=30.0)
    parser.add_argument("--replacement-s", type=float, default=120.0)
    parser.add_argument("--pods-per-s", type=float, default=20.0)
    parser.add_argument("--pass-s-per-node", type=float, default=2e-3)
    parser.add_argument("--runs", type=int, default=3, help="simulations of each row")
    return parser.parse_args()


def _row(cluster: Cluster, runs: int) -> str:
    without = replace(cluster, interval_s=None)
    excess = [
        np.mean([simulate(c, seed) for seed in range(runs)]) / c.ideal_s - 1
        for c in (cluster, without)
    ]
    return (
        f"{cluster.gpus:6d} {cluster.replicas:9d} {cluster.preemptions_per_h:14.0%}"
        f" {cluster.ideal_s / HOUR_S:9.1f} {excess[0]:+17.1%} {excess[1]:+17.1%}"
    )


def main() -> None:
    """Print makespans above the ideal, and where the controller becomes the limit."""
    args = _arguments()
    base = Cluster(
        gpus=1,
        replicas=1,
        length_s=args.hours * HOUR_S,
        preemptions_per_h=0.0,
        interval_s=args.interval_s,
        overhead=args.overhead,
        warned=args.warned,
        start_s=args.start_s,
        backoff_s=args.backoff_s,
        replacement_s=args.replacement_s,
        pods_per_s=args.pods_per_s,
        pass_s_per_node=args.pass_s_per_node,
    )
    print("  GPUs  replicas  preemptions/h   ideal/h   with checkpoints  without")
    for gpus in (16, 100, 1000):
        for rate in (0.0, 0.05, 0.10, 0.20):
            print(_row(replace(base, gpus=gpus, replicas=gpus, preemptions_per_h=rate), args.runs))
    print("\nWhat the controller adds (10 % an hour, as many GPUs as replicas):")
    replicas, share = 1000, 0.0
    while share < LIMIT and replicas <= 200_000:
        cluster = replace(base, gpus=replicas, replicas=replicas, preemptions_per_h=0.10)
        quick = replace(cluster, pods_per_s=np.inf, pass_s_per_node=0.0)
        share = simulate(cluster, 0) / simulate(quick, 0) - 1
        print(f"  {replicas:6d} replicas: {share:+.1%}")
        replicas *= 3
    print(f"It is the limit (more than {LIMIT:.0%}) from about {replicas // 3} replicas on.")


if __name__ == "__main__":
    main()
