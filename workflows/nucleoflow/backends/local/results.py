"""What a run leaves for people: the outputs of its stages under their own names."""

from __future__ import annotations

from pathlib import Path

from nucleoflow.backends.local.steptree import read_children, read_node, step_folders
from nucleoflow.backends.local.verdict import Verdict
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.results import is_product, lay_out, unwrapped


def stage_outputs(run: RunFolder) -> dict[str, Path]:
    """Return the output artifacts of the outermost steps, and the workflow's global ones, so far.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    dict
        Name of the artifact -> file or folder. dflow wraps a path in a folder of its own; where
        that holds one entry only, the entry is returned.
    """
    outermost = [run.steps / key for key in read_children(run.steps).values()]
    finished = [step for step in outermost if read_node(step).phase == "Succeeded"]
    outputs = {}
    for folder in (*finished, run.steps):
        for link in sorted((folder / "outputs" / "artifacts").glob("*")):
            path = unwrapped(link.resolve())
            if path.exists() and is_product(link.name):
                outputs[link.name] = path
    return outputs


def collect_results(run: RunFolder) -> None:
    """Bring the outputs of the stages to ``results/<name>``; hard links, so no space is used."""
    for name, source in stage_outputs(run).items():
        lay_out(source, run.results / name)


def forget_uncollected(run: RunFolder) -> None:
    """Let steps run again whose script succeeded but whose outputs dflow could not collect.

    Called after dflow ended by itself: whatever is unfinished then will not be finished by
    collecting once more.
    """
    for folder in step_folders(run.steps):
        node = read_node(folder)
        if node.is_leaf and node.phase == "Running":
            Verdict.forget(folder)
