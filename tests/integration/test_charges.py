"""Real CP2K: PBE-D3 charges and their density; the page's test has GFN1-xTB's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from emulated.controller import Controller
from emulated.pods import Kubelet
from s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server

from nucleoflow.backends.argo.render import render
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.load import load_study
from nucleops.engines.cp2k.charges import compute_charges
from nucleops.engines.cp2k.settings import PbeD3
from nucleops.population.settings import ChargeSettings
from nucleops.systems.motifs import motif
from nucleops.systems.system import System

pytestmark = pytest.mark.integration


def test_pbe_charges_and_density(tmp_path: Path) -> None:
    """Methanol: Hirshfeld's carbon is nearly neutral, and the cube holds all electrons."""
    shape, edge = motif("methanol"), np.full(3, 6.0)
    system = System("methanol", shape.symbols, shape.positions + 3.0, edge, True)
    small = PbeD3(cutoff_Ry=150.0, rel_cutoff_Ry=30.0)
    found = compute_charges(system, small, tmp_path, cube=True)
    by_element = {
        name: dict(zip(system.symbols, values, strict=True))
        for name, values in found.charges.items()
    }
    assert set(by_element) == {"mulliken", "hirshfeld"}
    assert by_element["mulliken"]["O"] < -0.1
    assert -0.35 < by_element["hirshfeld"]["O"] < -0.1
    assert abs(by_element["hirshfeld"]["C"]) < 0.15  # -1.07 by CP2K's default, Gaussians
    assert abs(found.charges["hirshfeld"].sum()) < 0.02
    assert found.cube is not None
    assert found.cube.stat().st_size > 100_000


def test_stage_in_pods(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rendered for Argo: structures chosen, a pod for each task, the trend in the bucket."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    study = load_study(str(Path(__file__).parents[1] / "data" / "studies" / "mini.yaml"))
    study = study.model_copy(update={"charges": ChargeSettings(motifs=("monomer", "dimer"))})
    storage = {"endpoint": s3_server.endpoint, "bucket": BUCKET, "prefix": "charges/"}
    profile = ClusterProfile.model_validate({"storage": storage})
    rendered = render(study, profile, run_id="charges-20261128-120000", stages=["charges"])
    store = s3_server.store()
    for upload in rendered.uploads:
        data = upload.path.read_bytes() if upload.path is not None else upload.data
        assert data is not None
        store.put_bytes(data, f"charges/{upload.key}")
    secrets = {"nucleoflow-s3": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}
    kubelet = Kubelet(tmp_path, store, secrets)
    outcome = Controller(rendered.manifest, kubelet).run()
    assert outcome.phase == "Succeeded", [node.log[-2000:] for node in kubelet.nodes]
    steps = [node.step for node in kubelet.nodes]
    assert {s for s in steps if s.startswith("run-")} >= {
        "run-charges-000000",
        "run-charges-000001",
    }
    pooled = next(node for node in kubelet.nodes if node.step == "analyse-charges")
    key = pooled.outcome.artifacts["charges"]["key"]
    (found,) = (k for k in store.list(key) if k.endswith("summary.json"))
    summary = json.loads(store.get_bytes(found))
    assert summary["states"] == ["monomer", "dimer"]
    silver = [r["mean_e"] for r in summary["rows"] if r["element"] == "Ag"]
    assert silver == pytest.approx([0.298, 0.230], abs=0.005)
