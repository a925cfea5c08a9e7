"""The `unbiased/` result folder: densities of distances and angles of the finished cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleops.analysis.follow import FEWEST_FRAMES, follow_structure
from nucleops.analysis.settings import StructureSettings
from nucleops.analysis.stages.files import SUMMARY, link_tree, write_json, write_last_frame
from nucleops.analysis.stages.structure import write_structure
from nucleops.analysis.trust import read_trust


def unbiased_folder(md: Path, settings: StructureSettings, out: Path, name: str = "") -> Path:
    """Analyse an unbiased run and write the `unbiased/` folder.

    Parameters
    ----------
    md : Path
        MD result folder.
    settings : StructureSettings
        How.
    out : Path
        Folder to make: ``md/``, the tables of
        :func:`nucleops.analysis.stages.structure.write_structure`, ``summary.json``.
    name : str
        Name of the run in the study.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    WrongInput
        A file of the run is missing or malformed, or not one frame is trusted.
    """
    from nucleops.systems.files import read_extxyz
    from nucleops.systems.trajectory import Trajectory

    out.mkdir(parents=True)
    link_tree(md, out / "md")
    trusted = read_trust(out / "md")
    topology = read_extxyz(out / "md/topology.extxyz")
    structure = follow_structure(
        Trajectory(out / "md/trajectory.dump", topology),
        settings,
        step_fs=trusted.time_step_fs,
        last_step=trusted.trusted_steps,
    )
    write_last_frame(structure.last, structure.last_ps, trusted.temperature_K, out / "md")
    found = write_structure(structure, out)
    write_json(
        out / SUMMARY,
        {
            "name": name,
            "runs": [trusted.row("md")],
            "bonds": settings.bonds.model_dump(),
            **found,
            "verdict": _verdict(
                trusted.trusted_ps, structure.n_kept, settings, bool(structure.kinds)
            ),
        },
    )
    return out


def _verdict(
    trusted_ps: float, n_frames: int, settings: StructureSettings, found: bool
) -> dict[str, Any]:
    if not found:
        sentence = "No bonded pair was found in the first structure: is there a cluster in it?"
        return {"enough": False, "sentence": sentence}
    if n_frames < FEWEST_FRAMES:
        sentence = (
            f"Too short for a density: the potential was trusted for {trusted_ps:.3g} ps "
            f"({n_frames} frame{'s' * (n_frames != 1)}); {settings.enough_ps:g} ps or more are "
            "wanted."
        )
        return {"enough": False, "sentence": sentence}
    if trusted_ps < settings.enough_ps:
        return {
            "enough": False,
            "sentence": f"A first impression only: {trusted_ps:.3g} ps are trusted, "
            f"{settings.enough_ps:g} ps or more are wanted for densities.",
        }
    return {"enough": True, "sentence": f"Densities from {trusted_ps:.4g} trusted ps."}
