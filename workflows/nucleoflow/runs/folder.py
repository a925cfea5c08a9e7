"""The folder of a run, and how runs are found.

A run in a cluster has ``run.json``, ``study.yaml``, ``result.json`` once it has ended, and
``results/`` once they were downloaded; a run on this machine has all of these:

::

    <runs>/<run id>/
        run.json          what was asked for
        study.yaml        copy of the study
        result.json       how it ended; absent while it runs
        controller.json   who runs it
        controller.log    what dflow and the controller said
        events.jsonl      what happened to which step and when
        run.lock          held by the controller
        slots/            cores and GPUs
        attempts/         folders of steps that were started and are run again
        results/          outputs of the stages
        dflow/<run id>/   dflow's own folder, with one folder a step
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleops.errors import WrongInput

RUNS_VARIABLE = "NUCLEOFLOW_RUNS"
DEFAULT_BUILDER = "nucleoflow.dag.workflow:build_workflow"


@dataclass(frozen=True)
class RunConfig:
    """What a builder is called with to make the workflow of a run.

    Attributes
    ----------
    run_id : str
        The id that the workflow must have.
    folder : Path
        The run folder, absolute.
    study : Path
        The copy of the study in it.
    stages : tuple of str
        Stages to run; empty for all.
    from_run : Path or None
        Folder of an earlier run whose results the stages may start from.
    options : dict
        Whatever else was asked for; JSON values.
    """

    run_id: str
    folder: Path
    study: Path
    stages: tuple[str, ...] = ()
    from_run: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run folder, and its small files.

    Attributes
    ----------
    path : Path
        The folder, absolute.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run id, which is the folder's name."""
        return self.path.name

    @property
    def backend(self) -> str:
        """Where it runs: ``local`` or ``argo``."""
        return str(self.read("run").get("backend", "local"))

    @property
    def study(self) -> Path:
        """The copy of the study."""
        return self.path / "study.yaml"

    @property
    def log(self) -> Path:
        """What dflow and the controller said."""
        return self.path / "controller.log"

    @property
    def lock(self) -> Path:
        """The file that the controller locks."""
        return self.path / "run.lock"

    @property
    def dflow(self) -> Path:
        """dflow's ``debug_workdir``."""
        return self.path / "dflow"

    @property
    def steps(self) -> Path:
        """dflow's folder for this run, which holds one folder for each step."""
        return self.dflow / self.id

    @property
    def results(self) -> Path:
        """Outputs of the stages."""
        return self.path / "results"

    @property
    def report(self) -> Path | None:
        """The report, or None while there is none."""
        found = sorted(self.results.glob("report/**/report.html"))
        return found[0] if found else None

    def read(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file of the run; empty if there is none."""
        try:
            content = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the run, completely or not at all."""
        partial = self.path / f".{name}.json.{os.getpid()}"
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        partial.replace(self.path / f"{name}.json")

    def config(self) -> RunConfig:
        """Return what the builder is called with."""
        run = self.read("run")
        return RunConfig(
            run_id=self.id,
            folder=self.path,
            study=self.study,
            stages=tuple(run.get("stages", ())),
            from_run=Path(run["from_run"]) if run.get("from_run") else None,
            options=dict(run.get("options", {})),
        )


def runs_root(runs: Path | None = None) -> Path:
    """Return the folder that holds the runs: given, ``$NUCLEOFLOW_RUNS`` or ``nucleoflow-runs``."""
    return (runs or Path(os.environ.get(RUNS_VARIABLE) or "nucleoflow-runs")).absolute()


def all_runs(root: Path) -> list[RunFolder]:
    """Return the runs in a folder, oldest first."""
    if not root.is_dir():
        return []
    folders = [RunFolder(path) for path in root.iterdir() if (path / "run.json").is_file()]
    return sorted(folders, key=lambda run: (run.read("run").get("created", 0.0), run.id))


def find_run(reference: str, root: Path) -> RunFolder:
    """Find a run.

    Parameters
    ----------
    reference : str
        Path of a run folder, run id, an unambiguous beginning of one, or ``latest``.
    root : Path
        The folder that holds the runs.

    Raises
    ------
    WrongInput
        No run, or more than one, is meant.
    """
    if os.sep in reference and (Path(reference) / "run.json").is_file():
        return RunFolder(Path(reference).absolute())
    runs = all_runs(root)
    if not runs:
        raise WrongInput(
            f"there are no runs in {root}",
            advice=f"start one with 'nucleoflow run', or name the folder with --runs or "
            f"${RUNS_VARIABLE}",
        )
    ids = [run.id for run in runs]
    return runs[ids.index(match_id(reference, ids, str(root)))]


def match_id(reference: str, ids: Sequence[str], where: str) -> str:
    """Return the one of some run ids that is meant.

    Parameters
    ----------
    reference : str
        Run id, an unambiguous beginning of one, or ``latest``.
    ids : sequence of str
        Oldest first; there is at least one.
    where : str
        What they are in, for messages.

    Raises
    ------
    WrongInput
        No run, or more than one, is meant.
    """
    if reference == "latest":
        return ids[-1]
    matches = [run_id for run_id in ids if run_id.startswith(reference)]
    if reference in matches or len(matches) == 1:
        return reference if reference in matches else matches[0]
    listed = ", ".join((matches or list(ids))[-8:])
    if matches:
        raise WrongInput(f"'{reference}' begins the names of {len(matches)} runs: {listed}")
    raise WrongInput(
        f"there is no run '{reference}' in {where}",
        advice=f"runs: {listed}; --profile FILE looks in a cluster",
    )


def new_run(root: Path, name: str) -> RunFolder:
    """Make an empty run folder ``<name>-<yyyymmdd>-<hhmmss>``; a number is added if it exists."""
    root.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while True:
        path = root / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return RunFolder(path)
