"""Coordination numbers along a trajectory, beside MDAnalysis' distance arrays, in one run.

A box of the size of the article's 30 dimers: 60 Ag, 60 S, 60 N and about 1,600 methanols, 10,000
atoms. Both compute the same four coordinations (Ag-Ag, Ag-S, Ag-N, Ag-O) of every frame, in turns,
chunk by chunk; MDAnalysis' part is its distance array with the rational function written as a user
writes it. Read the ratios, not the seconds::

    .venv/bin/python benchmarks/coordination.py [frames]
"""

from __future__ import annotations

import os
import resource
import sys
import time

import numpy as np
from MDAnalysis.lib.distances import distance_array

from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.cores import usable_cores
from nucleops.systems.system import System

EDGE_A = 50.0
COUNTS = {"Ag": 60, "S": 60, "N": 60, "C": 1680, "O": 1620, "H": 6520}
CHUNK = 50
R0_A, N, M = 3.25, 6, 8


def box() -> tuple[System, ResolvedBias]:
    """Atoms at random: what a distance costs does not depend on where they are."""
    symbols = tuple(symbol for symbol, count in COUNTS.items() for _ in range(count))
    positions = np.random.default_rng(1).random((len(symbols), 3)) * EDGE_A
    system = System("box", symbols, positions, np.full(3, EDGE_A), True)
    form = {"kind": "coordination", "r0_A": R0_A, "n": N, "m": M, "a": {"element": "Ag"}}
    cvs = {f"Ag_{x}": {**form, "b": {"element": x}} for x in ("S", "N", "O")}
    return system, resolve(Bias.model_validate({"cvs": {"Ag_Ag": form, **cvs}}), system)


def with_mdanalysis(system: System, frames: np.ndarray, backend: str) -> dict[str, np.ndarray]:
    """Do the same with a distance array for each pair of elements and frame."""
    groups = {symbol: system.of_element(symbol) for symbol in ("Ag", "S", "N", "O")}
    dimensions = np.array([EDGE_A] * 3 + [90.0] * 3, dtype=np.float32)
    result: dict[str, list[float]] = {f"Ag_{symbol}": [] for symbol in groups}
    for frame in frames.astype(np.float32):
        for symbol, atoms in groups.items():
            r = distance_array(frame[groups["Ag"]], frame[atoms], box=dimensions, backend=backend)
            x = r / R0_A
            with np.errstate(invalid="ignore"):
                s = (1 - x**N) / (1 - x**M)
            if symbol == "Ag":
                s = s[np.triu_indices(len(atoms), k=1)]
            result[f"Ag_{symbol}"].append(float(s.sum()))
    return {name: np.array(values) for name, values in result.items()}


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(n_frames: int) -> None:
    """Time both and print the ratios."""
    system, bias = box()
    cores = usable_cores()
    seconds = {"nucleops, 1 thread": 0.0, f"nucleops, {cores} threads": 0.0}
    seconds |= {"MDAnalysis, serial": 0.0, "MDAnalysis, OpenMP": 0.0}
    rng = np.random.default_rng(2)
    evaluate(bias, np.tile(system.positions, (CHUNK, 1, 1)))  # compiles
    worst, memory = 0.0, []
    for start in range(0, n_frames, CHUNK):
        frames = system.positions + rng.normal(scale=0.3, size=(CHUNK, system.n_atoms, 3))
        frames %= EDGE_A
        found = {}
        for name in seconds:
            os.environ["OMP_NUM_THREADS"] = "1" if name.endswith("1 thread") else str(cores)
            began = time.perf_counter()
            if name.startswith("nucleops"):
                found["ours"] = evaluate(bias, frames)
            else:
                backend = name.rpartition(" ")[2]
                found["theirs"] = with_mdanalysis(system, frames, backend)
            seconds[name] += time.perf_counter() - began
        for name, values in found["theirs"].items():
            # theirs is neither cut off nor stretched, and of single precision
            worst = max(worst, float(np.max(np.abs(found["ours"][name] / values - 1))))
        memory.append((start + CHUNK, peak_mb()))
    print(f"{system.n_atoms} atoms, {n_frames} frames, Ag-Ag + Ag-S + Ag-N + Ag-O\n")
    for name, value in seconds.items():
        ratio = value / seconds[f"nucleops, {cores} threads"]
        print(
            f"{name:22s} {value:8.2f} s   {value / n_frames * 1e3:7.3f} ms a frame   x {ratio:.1f}"
        )
    print(f"\nlargest relative difference of a coordination number: {worst:.1e}")
    first, last = memory[1], memory[-1]
    print(f"largest memory: {first[1]:.0f} MB at {first[0]} frames, {last[1]:.0f} at {last[0]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
