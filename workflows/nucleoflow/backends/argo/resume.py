"""Go on with a run in a cluster after what made it fail was corrected.

A workflow cannot be changed once it was created, so a *new* one is submitted that does not repeat
what the old one finished:

- Stages that finished, and that nothing which changed in the study touches, are not in it; their
  outputs in the bucket are its inputs.
- Of the other stages, steps that finished are in it but make no pod: they are known by their key,
  and their outputs are taken from the old workflow (see :mod:`.reuse`). This needs the right to
  create ConfigMaps; without it these stages begin anew, and the user is told so.
- Molecular dynamics that was under way goes on from its checkpoints.
- The report is always written anew.

What may have changed in the study is said by :mod:`nucleoflow.study.difference`; images, limits
and everything else in the profile may change. :meth:`.ArgoRun.retry` is for a run whose failure
had nothing to do with either: it has Argo run the failed steps of the same workflow again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleoflow.backends.argo.fetch import StageArtifact, stage_artifacts
from nucleoflow.backends.argo.nodes import Node, NodeTree
from nucleoflow.backends.argo.reuse import (
    LINE_LABEL,
    Caches,
    finished_steps,
    keep_checkpoints_of,
    memoize,
)
from nucleoflow.backends.argo.runs import ArgoRun
from nucleoflow.backends.argo.status import workflow_state
from nucleoflow.backends.argo.submit import Submission, submit
from nucleoflow.dag.plan import MAKERS, PRODUCTIONS, stages_of
from nucleoflow.dag.production import result_names
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.handle import refuse_live
from nucleoflow.study.difference import differences, done_again
from nucleoflow.study.model import Study
from nucleops.errors import NucleoError, WrongInput
from nucleops.storage.objects import ObjectStore

_TIME = re.compile(r"-\d{8}-\d{6}(-\d+)?$")
"""The end of a run id, after its name."""
_ANEW = "finished steps of unfinished stages cannot be reused, so those stages begin anew"


@dataclass(frozen=True)
class Plan:
    """What a resumed run reuses.

    Attributes
    ----------
    stages : tuple of str
        Stages that are run; of them, ``steps`` are not.
    given : dict
        Product of a finished stage to its keys, without the profile's prefix.
    steps : dict
        Key of a finished step to Argo's cache entry.
    """

    stages: tuple[str, ...]
    given: dict[str, str | list[str]]
    steps: dict[str, str]


def resume(
    run: ArgoRun,
    study: tuple[Study, str],
    before: Study,
    root: Path,
    open_store: Callable[[], ObjectStore],
    open_caches: Callable[[ClusterProfile], Caches],
    say: Callable[[str], None],
) -> ArgoRun:
    """Submit a new run that reuses what another one finished.

    Parameters
    ----------
    run : ArgoRun
        The run that ended; its profile is that of the new one.
    study : tuple of (Study, str)
        The study now, and its text.
    before : Study
        The study that ``run`` was submitted with.
    root : Path
        The folder that holds the runs.
    open_store, open_caches : callable
        Open the bucket and the place for finished steps; called where needed.
    say : callable
        Tells the user what is reused.

    Raises
    ------
    WrongInput
        The run goes on; it succeeded and nothing changed; or physics changed.
    """
    workflow = run.workflow()
    refuse_live(workflow_state(workflow), run.folder.id, "resume")
    now, text = study
    redone = _redone(before, now, workflow, run.folder.id)
    made = plan(workflow, now, run.meta, redone, run.profile.storage.prefix)
    line = (*run.meta.get("line", ()), run.folder.id)
    say(_in_words(made, stages_of(now, tuple(run.meta.get("stages") or ()))))
    caches = _caches(made, run.profile, open_caches, say)

    def adapt(manifest: dict[str, Any], run_id: str) -> None:
        manifest["metadata"].setdefault("labels", {})[LINE_LABEL] = line[0]
        keep_checkpoints_of(manifest, line[0])
        if caches is not None:
            memoize(manifest, run_id)

    def prepare(run_id: str) -> None:
        if caches is not None:
            try:
                caches.add(run_id, made.steps)
            except NucleoError as error:
                say(f"{_ANEW}: {error}")

    results = run.meta.get("results")
    submission = Submission(
        now,
        text,
        _TIME.sub("", run.folder.id),
        made.stages,
        given=made.given,
        results=Path(results) if results and Path(results).is_dir() else None,
        from_run=run.folder.id,
        line=line,
        adapt=adapt,
        prepare=prepare,
    )
    return submit(submission, root, run.profile, run.client, open_store)


def plan(
    workflow: dict[str, Any],
    study: Study,
    meta: dict[str, Any],
    redone: re.Pattern[str],
    prefix: str,
) -> Plan:
    """Say what of a workflow can be reused.

    Parameters
    ----------
    workflow : dict
        The one that ended, with its nodes.
    study : Study
        As it is now.
    meta : dict
        Record of the run: its stages, and what it was given.
    redone : re.Pattern
        Matches the keys of steps that have to be done again.
    prefix : str
        The profile's prefix, left out of keys.
    """
    asked = stages_of(study, tuple(meta.get("stages") or ()))
    tree = NodeTree(workflow)
    made = products_made(stage_artifacts(workflow), study, prefix)
    finished = {
        stage
        for stage in asked
        if stage != "report" and not _touched(tree, stage, redone) and _complete(stage, made)
    }
    stages = tuple(stage for stage in asked if stage not in finished)
    given = {**meta.get("given", {}), **{p: k for p, k in made.items() if MAKERS[p] in finished}}

    def keep(node: Node) -> bool:
        above = tree.above(node)
        stage = above[0].step if above else node.step
        return stage in stages and not redone.match(node.key)

    return Plan(stages, given, finished_steps(workflow, keep))


def products_made(
    artifacts: list[StageArtifact], study: Study, prefix: str
) -> dict[str, str | list[str]]:
    """Return the products among the outputs of stages: product to keys without the prefix.

    A production of which a part is missing is left out.
    """
    keys = {a.name: a.key.removeprefix(prefix) for a in artifacts}
    made: dict[str, str | list[str]] = {}
    for product in MAKERS:
        if product in PRODUCTIONS:
            names = result_names(study, product)
            if names and all(name in keys for name in names):
                made[product] = [keys[name] for name in names]
        elif product in keys and product != "report":
            made[product] = keys[product]
    return made


def _redone(before: Study, now: Study, workflow: dict[str, Any], run_id: str) -> re.Pattern[str]:
    changed = differences(before, now)
    physics = [str(d) for d in changed if d.sort == "physics"]
    if physics:
        listed = "\n  ".join(physics)
        raise WrongInput(
            f"the physics of the study changed since run {run_id}:\n  {listed}",
            advice="old and new results do not belong together: start a new run with"
            " 'nucleoflow submit'",
        )
    if workflow_state(workflow) == "succeeded" and not changed:
        raise WrongInput(f"run {run_id} has succeeded and the study is the same as then")
    return done_again(changed)


def _touched(tree: NodeTree, stage: str, redone: re.Pattern[str]) -> bool:
    """Whether any step of a stage has to be done again."""
    for node in tree.leaves():
        above = tree.above(node)
        if (above[0].step if above else node.step) == stage and redone.match(node.key):
            return True
    return False


def _complete(stage: str, made: dict[str, str | list[str]]) -> bool:
    return all(product in made for product, maker in MAKERS.items() if maker == stage)


def _in_words(made: Plan, asked: list[str]) -> str:
    finished = [stage for stage in asked if stage not in made.stages]
    words = [f"finished stages: {', '.join(finished) or 'none'}"]
    if made.steps:
        words.append(f"{len(made.steps)} finished steps of {', '.join(made.stages)}")
    return f"reused: {'; '.join(words)}"


def _caches(
    made: Plan,
    profile: ClusterProfile,
    open_caches: Callable[[ClusterProfile], Caches],
    say: Callable[[str], None],
) -> Caches | None:
    if not made.steps:
        return None
    try:
        return open_caches(profile)
    except NucleoError as error:
        say(f"{_ANEW}: {error}")
        return None
