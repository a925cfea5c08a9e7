"""The `nucleate/` result folder: what nucleated in each replica, and the pool of them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.aggregates import (
    KINDS,
    Aggregate,
    find_aggregates,
    labels_through_time,
    sizes,
)
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.nucleation import (
    around_points,
    coordination_series,
    nucleation_points,
    together_since,
)
from nucleops.analysis.settings import NucleationSettings
from nucleops.analysis.stages.files import SUMMARY, link_tree, write_csv, write_json, write_last
from nucleops.analysis.trust import Run, read_run
from nucleops.errors import NucleoError

SHORTEST_PS = 1.0
"""Trusted time below which nothing is said: silver atoms have hardly moved past one another."""
NUCLEATION_PS = 100.0
"""Time after which nuclei appeared in the article's run of thirty dimers."""
FOLLOWED = 4
"""Aggregates of each replica whose surroundings are followed, the largest ones."""


def nucleate_folder(
    replicas: Sequence[Path | None],
    settings: NucleationSettings,
    out: Path,
    expected: Sequence[str] = (),
) -> Path:
    """Analyse every replica that finished and write the `nucleate/` folder.

    Parameters
    ----------
    replicas : sequence of Path or None
        MD result folders; None, a missing folder or one that cannot be read counts as unfinished
        and spoils nothing.
    settings : NucleationSettings
        How.
    out : Path
        Folder to make: ``replica-000/`` .. (the run, ``series.csv``, ``nuclei.json``,
        ``last-trusted.extxyz``), ``pool.csv``, ``summary.json``.
    expected : sequence of str
        Names of the replicas that were started; those that are not found are reported.

    Returns
    -------
    Path
        `out`.
    """
    out.mkdir(parents=True)
    finished, unfinished = [], []
    for k, folder in enumerate(replicas):
        name = replica_name(folder, k)
        if folder is None or not (folder / "md.json").is_file():
            unfinished.append({"name": name, "why": "no result: it failed or was never finished"})
            continue
        try:
            link_tree(folder, out / name)
            finished.append(analyse_replica(name, read_run(out / name), settings))
        except NucleoError as error:
            shutil.rmtree(out / name, ignore_errors=True)
            unfinished.append({"name": name, "why": str(error)})
    seen = {r["name"] for r in (*finished, *unfinished)}
    unfinished += [
        {"name": n, "why": "no result: it failed or was never finished"}
        for n in expected
        if n not in seen
    ]
    # the order of a fan-out's results is that in which they ended
    for outcome in (finished, unfinished):
        outcome.sort(key=itemgetter("name"))
    write_csv(out / "pool.csv", _pool_table(finished))
    write_json(
        out / SUMMARY,
        {
            "runs": [r.pop("run") for r in finished],
            "replicas": finished,
            "unfinished": unfinished,
            "kinds": _counts(finished),
            "criteria": settings.model_dump(),
            "verdict": _verdict(finished, unfinished),
        },
    )
    return out


def replica_name(folder: Path | None, index: int) -> str:
    """Name of a replica: the last part of its path that begins with ``replica-``, or its number."""
    parts = [p for p in (folder.parts if folder else ()) if p.startswith("replica-")]
    return parts[-1] if parts else f"replica-{index:03d}"


def analyse_replica(name: str, run: Run, settings: NucleationSettings) -> dict[str, Any]:
    """Analyse one replica and write its files beside the run.

    Returns
    -------
    dict
        ``name``, ``run`` (row of the table of runs), ``nuclei`` (list), ``kinds`` (counts).
    """
    write_last(run, run.folder)
    system = run.system
    metals = system.of_element(system.metal)
    labels = labels_through_time(
        run.positions, run.cells, system.periodic, metals, settings.bonds.metal_metal_A
    )
    final = find_aggregates(
        system.symbols, run.positions[-1], run.cells[-1], system.periodic, settings
    )
    series = _coordination(run, metals, settings) | _sizes(labels)
    grown = [a for a in final if len(a.members) >= 3][:FOLLOWED]
    nuclei = []
    for number, aggregate in enumerate(grown, start=1):
        columns, account = _follow(run, aggregate, number, labels, metals, settings)
        series |= columns
        nuclei.append(account)
    write_csv(run.folder / "series.csv", {"time_ps": run.times_ps} | series)
    others = [a for a in final if a not in grown]
    write_json(
        run.folder / "nuclei.json",
        {"nuclei": nuclei, "others": [{"kind": a.kind, "members": a.members} for a in others]},
    )
    counts = Counter(a.kind for a in final)
    return {
        "name": name,
        "run": run.trusted.row(name),
        "nuclei": nuclei,
        "kinds": {k: counts[k] for k in KINDS if counts[k]},
        "trusted_ps": run.trusted.trusted_ps,
        "largest": max((len(a.members) for a in final), default=0),
        "n_metal": len(metals),
    }


def _coordination(
    run: Run, metals: IntArray, settings: NucleationSettings
) -> dict[str, FloatArray]:
    system, metal = run.system, run.system.metal
    return {
        f"coordination_{metal}-{kind}": coordination_series(
            run.positions,
            run.cells,
            system.periodic,
            metals,
            system.of_element(kind),
            settings.pair_switch,
        )
        for kind in (metal, "S", "N")
    }


def _sizes(labels: IntArray) -> dict[str, Any]:
    per_frame = sizes(labels)
    return {
        "n_aggregates": np.array([len(s) for s in per_frame]),
        "largest_aggregate": np.array([int(s[0]) if len(s) else 0 for s in per_frame]),
        "metals_in_aggregates": np.array([int(s[s >= 3].sum()) for s in per_frame]),
    }


def _follow(
    run: Run,
    aggregate: Aggregate,
    number: int,
    labels: IntArray,
    metals: IntArray,
    settings: NucleationSettings,
) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """Look back in time from an aggregate's final members."""
    system = run.system
    points = nucleation_points(run.positions, run.cells, system.periodic, aggregate.members)
    solvent = [
        i for m in system.of_motif("methanol") for i in m.indices if system.symbols[i] == "O"
    ] or system.of_element("O").tolist()
    metal_around = around_points(
        run.positions, run.cells, system.periodic, points, metals, settings.metal_point_switch
    )
    solvent_around = around_points(
        run.positions, run.cells, system.periodic, points, solvent, settings.solvent_point_switch
    )
    place = {int(m): c for c, m in enumerate(metals)}
    since = together_since(labels, [place[m] for m in aggregate.members])
    account = {
        "number": number,
        "kind": aggregate.kind,
        "n_metal": len(aggregate.members),
        "members": aggregate.members,
        "together_since_ps": run.times_ps[since] if since < len(run.times_ps) else None,
        "from_start": since == 0,
        "mean_contacts": aggregate.mean_contacts,
        "shape_measure": aggregate.shape_measure,
        "rmsd_A": aggregate.rmsd_A,
        "reason": aggregate.reason,
        "nucleation_point_A": points[-1],
    }
    columns = {
        f"metal_around_point_{number}": metal_around,
        f"solvent_O_around_point_{number}": solvent_around,
    }
    return columns, account


def _pool_table(replicas: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    rows = [(r["name"], n) for r in replicas for n in r["nuclei"]]
    keys = ("number", "kind", "n_metal", "together_since_ps", "shape_measure", "rmsd_A", "reason")
    table: dict[str, list[Any]] = {"replica": [name for name, _ in rows]}
    return table | {key: ["" if n[key] is None else n[key] for _, n in rows] for key in keys}


def _counts(replicas: Sequence[dict[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for replica in replicas:
        total.update(replica["kinds"])
    return {k: total[k] for k in KINDS if total[k]}


def _verdict(
    finished: Sequence[dict[str, Any]], unfinished: Sequence[dict[str, str]]
) -> dict[str, Any]:
    whole = len(finished) + len(unfinished)
    verb = "is" if len(unfinished) == 1 else "are"
    missing = f"{len(unfinished)} of {whole} replicas did not finish and {verb} left out. "
    sentence = missing if unfinished else ""
    times = sorted(r["trusted_ps"] for r in finished)
    if not times or times[-1] < SHORTEST_PS:
        longest = f"{times[-1]:.2g} ps" if times else "no time at all"
        sentence += f"Too short to say anything about nucleation: trusted for {longest} at most."
        return {"enough": False, "sentence": sentence}
    counts = _counts(finished)
    perfect = counts.get("perfect octahedron", 0)
    other = counts.get("disordered nucleus", 0) + counts.get("open aggregate", 0)
    if perfect:
        text = f"{perfect} perfect octahedr{'on' if perfect == 1 else 'a'} formed"
        text += f", beside {other} other aggregate{'s' * (other > 1)}" if other else ""
    elif other:
        text = f"No perfect octahedron formed; {other} other aggregate{'s' * (other > 1)}"
        packed = sum(n["from_start"] for r in finished for n in r["nuclei"])
        text += f" ({packed} of them there from the start)" if packed else ""
    else:
        text = "Nothing aggregated"
    low, high = f"{times[0]:.3g}", f"{times[-1]:.3g}"
    span = low if low == high else f"{low} to {high}"
    text += f", in {span} trusted ps{' of each replica' * (len(times) > 1)}."
    if not perfect and times[-1] < NUCLEATION_PS:
        text = (
            f"A first impression only, nuclei took {NUCLEATION_PS:g} ps and more in the article: "
            f"{text[0].lower()}{text[1:]}"
        )
    sentence += text
    return {"enough": bool(perfect) and not unfinished, "sentence": sentence}
