"""The `nucleate/` result folder: the pool of all replicas that finished."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.nuclei.changepoints import ChangePoint
from nucleops.analysis.nuclei.naming import KINDS
from nucleops.analysis.nuclei.pool import order_of, size_distribution, survival
from nucleops.analysis.nuclei.story import EVENTS
from nucleops.analysis.settings import NucleationSettings
from nucleops.analysis.stages.files import (
    SUMMARY,
    link_tree,
    numbers,
    read_csv,
    read_json,
    write_csv,
    write_json,
)
from nucleops.analysis.stages.replica import ACCOUNT, FAILURE, SIZES
from nucleops.errors import NucleoError, WrongInput

SHORTEST_PS = 1.0
"""Trusted time below which nothing is said: silver atoms have hardly moved past one another."""
NUCLEATION_PS = 100.0
"""Time after which nuclei appeared in the article's run of thirty dimers."""


def nucleate_folder(
    replicas: Sequence[Path | None],
    settings: NucleationSettings,
    out: Path,
    expected: Sequence[str] = (),
) -> Path:
    """Pool the analyses of every replica that finished and write the `nucleate/` folder.

    Parameters
    ----------
    replicas : sequence of Path or None
        Folders that :func:`nucleops.analysis.stages.replica.analyse_run` made; None, a missing
        folder or one that cannot be read counts as unfinished and spoils nothing.
    settings : NucleationSettings
        How they were analysed.
    out : Path
        Folder to make: ``replica-000/`` .. (as given), ``pool.csv``, ``survival.csv``,
        ``size-distribution.csv``, ``summary.json``.
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
        if folder is None or not (folder / ACCOUNT).is_file():
            unfinished.append({"name": name, "why": _why_missing(folder)})
            continue
        try:
            account = read_account(folder)
            link_tree(folder, out / name)
            finished.append(account | {"name": name})
        except NucleoError as error:
            shutil.rmtree(out / name, ignore_errors=True)
            unfinished.append({"name": name, "why": str(error)})
    seen = {r["name"] for r in (*finished, *unfinished)}
    unfinished += [{"name": n, "why": _why_missing(None)} for n in expected if n not in seen]
    # the order of a fan-out's results is that in which they ended
    for outcome in (finished, unfinished):
        outcome.sort(key=itemgetter("name"))
    write_csv(out / "pool.csv", _pool_table(finished))
    pooled = _pooled(finished, out)
    write_json(
        out / SUMMARY,
        {
            "runs": [r.pop("run") for r in finished if "run" in r],
            "replicas": finished,
            "unfinished": unfinished,
            "kinds": _counts(finished),
            "pooled": pooled,
            "criteria": settings.model_dump(),
            "verdict": _verdict(finished, unfinished),
        },
    )
    return out


def _why_missing(folder: Path | None) -> str:
    if folder is not None and (folder / FAILURE).is_file():
        return f"not analysed: {(folder / FAILURE).read_text(encoding='utf-8').strip()}"
    return "no result: it failed or was never finished"


def replica_name(folder: Path | None, index: int) -> str:
    """Name of a replica: the last part of its path that begins with ``replica-``, or its number."""
    parts = [p for p in (folder.parts if folder else ()) if p.startswith("replica-")]
    return parts[-1] if parts else f"replica-{index:03d}"


def read_account(folder: Path) -> dict[str, Any]:
    """Read what a replica's analysis says.

    Raises
    ------
    WrongInput
        It is not JSON, or lacks an entry.
    """
    path = folder / ACCOUNT
    try:
        account: dict[str, Any] = read_json(path)
        for key in ("nuclei", "kinds", "trusted_ps", "first_nucleus_ps", "nucleus_from_start"):
            account[key]
    except (ValueError, KeyError, TypeError) as error:
        raise WrongInput(f"{path}: not the account of a replica ({error})") from error
    return account


def _pooled(replicas: Sequence[dict[str, Any]], out: Path) -> dict[str, Any]:
    """Write what the replicas say together; returns it for the summary."""
    events = [
        {step: found and ChangePoint(**found) for step, found in nucleus["events"].items()}
        for replica in replicas
        for nucleus in replica["nuclei"]
    ]
    pairs = [(a, b) for i, a in enumerate(EVENTS) for b in EVENTS[i + 1 :]]
    pooled: dict[str, Any] = {"order": [asdict(order_of(events, a, b)) for a, b in pairs]}
    pooled |= _survivals(replicas, out)
    if replicas:
        _write_sizes(replicas, out)
    return pooled


def _survivals(replicas: Sequence[dict[str, Any]], out: Path) -> dict[str, Any]:
    """Write the curve of each condition; returns their numbers."""
    # A replica that was packed with a nucleus in it says nothing about how soon one forms.
    fresh = [r for r in replicas if not r["nucleus_from_start"] and r["trusted_ps"] > 0]
    curves, rows = [], []
    for condition in sorted({r.get("condition", "") for r in fresh}):
        own = [r for r in fresh if r.get("condition", "") == condition]
        curve = survival([r["first_nucleus_ps"] for r in own], [r["trusted_ps"] for r in own])
        rows += [
            (condition, *row)
            for row in zip(curve.times_ps, curve.share, curve.low, curve.high, strict=True)
        ]
        kept = ("events", "exposure_ps", "rate_ns", "rate_low_ns", "rate_high_ns")
        numbers_of = {k: getattr(curve, k) for k in kept}
        curves.append({"condition": condition, "replicas": len(own)} | numbers_of)
    if rows:
        columns = ("condition", "time_ps", "share_without_nucleus", "low_95", "high_95")
        write_csv(out / "survival.csv", dict(zip(columns, zip(*rows, strict=True), strict=True)))
    return {"with_nucleus_from_start": len(replicas) - len(fresh), "survival": curves}


def _write_sizes(replicas: Sequence[dict[str, Any]], out: Path) -> None:
    times, counts = [], []
    for replica in replicas:
        table = {name: numbers(v) for name, v in read_csv(out / replica["name"] / SIZES).items()}
        times.append(table.pop("time_ps"))
        sizes = np.zeros((len(times[-1]), replica["n_metal"] + 1), dtype=np.int64)
        for name, column in table.items():
            sizes[:, int(name.rpartition("_")[2])] = column
        counts.append(sizes)
    edges, share = size_distribution(times, counts)
    occurs = np.flatnonzero(np.nansum(share, axis=0))
    columns = {f"share_in_aggregates_of_{size}": share[:, size] for size in occurs}
    middle = 0.5 * (edges[1:] + edges[:-1])
    write_csv(out / "size-distribution.csv", {"time_ps": middle} | columns)


def _pool_table(replicas: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    rows = [(r["name"], n) for r in replicas for n in r["nuclei"]]
    when = ("together_since_ps", "perfect_since_ps")
    keys = ("number", "kind", "n_metal", *when, "shape_measure", "rmsd_A", "reason")
    table: dict[str, list[Any]] = {"replica": [name for name, _ in rows]}
    table["condition"] = [r.get("condition", "") for r in replicas for _ in r["nuclei"]]
    table |= {key: ["" if n[key] is None else n[key] for _, n in rows] for key in keys}
    for step in EVENTS:
        found = [n["events"].get(step) for _, n in rows]
        for column, key in (("", "time"), ("_low", "low"), ("_high", "high")):
            table[f"{step}{column}_ps"] = ["" if f is None else f[key] for f in found]
    return table


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
