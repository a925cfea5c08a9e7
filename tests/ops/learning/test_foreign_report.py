"""Our selection step with a selector of dpgen2's: what it chose is counted as ours is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dflow.python import OPIO

from nucleops.label import PrepLabel
from nucleops.selection import SelectConfs

FRAME = """ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0.0 10.0
0.0 10.0
0.0 10.0
ITEM: ATOMS id type x y z
1 1 1.0 1.0 1.0
2 2 {x:.3f} 1.0 1.0
"""


def test_dpgen2s_selector_in_our_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dpgen2.exploration.render import TrajRenderLammps
    from dpgen2.exploration.report import conv_styles
    from dpgen2.exploration.selector import ConfSelectorFrames

    monkeypatch.chdir(tmp_path)
    deviations = [0.01, 0.1, 0.2, 5.0]
    (tmp_path / "traj").write_text(
        "".join(FRAME.format(step=10 * k, x=2 + 0.1 * k) for k in range(4))
    )
    rows = [f"{10 * k} 0 0 0 {value} 0 0" for k, value in enumerate(deviations)]
    (tmp_path / "devi").write_text("\n".join(["# step v v v f f f", *rows]) + "\n")
    report = conv_styles["fixed-levels"](level_f_lo=0.05, level_f_hi=1.0)
    selector = ConfSelectorFrames(TrajRenderLammps(nopbc=True), report, 10)
    out = SelectConfs().execute(
        OPIO(
            {
                "conf_selector": selector, "type_map": ["O", "H"], "trajs": [tmp_path / "traj"],
                "model_devis": [tmp_path / "devi"], "optional_outputs": None,
            }
        )
    )  # fmt: skip
    told = {"accurate": 0.25, "candidate": 0.5, "failed": 0.25, "n_selected": 2}
    assert {name: out["counts"][name] for name in told} == told
    assert json.loads(out["record"].read_text())["n_selected"] == 2
    config = {"level": {"method": "gfn1-xtb"}, "label": {"frames_per_task": 1}}
    tasks = PrepLabel().execute(
        OPIO({"config": config, "type_map": ["O", "H"], "confs": out["confs"]})
    )
    assert len(tasks["task_names"]) == 2
