"""What a report says of the study and of the run."""

STUDY = {
    "name": "synthetic",
    "metal": "Ag",
    "seed": 2025,
    "report": {
        "title": "Synthetic test data: nothing here was simulated",
        "crystal_ranges": {
            "Ag-Ag": [{"label": "crystal 1 (invented)", "low": 2.85, "high": 3.15}],
            "Ag-S": [{"label": "crystal 1 (invented)", "low": 2.45, "high": 2.55}],
            "Ag-N": [
                {"label": "crystal 1 (invented)", "low": 2.20, "high": 2.32},
                {"label": "crystal 2 (invented)", "low": 2.25, "high": 2.40},
            ],
            "S-Ag-S": [{"label": "crystal 1 (invented)", "low": 115, "high": 132}],
        },
    },
    "systems": {
        "cluster": {"contents": [{"motif": "octahedron", "count": 1}], "box": {"edge_A": 16.0}}
    },
}
PROVENANCE = {
    "run_id": "synthetic-0001",
    "study_digest": "sha256:0000000000000000",
    "versions": {
        "nucleoflow": "0.1.0",
        "cp2k": "2023.1",
        "lammps": "22 Jul 2025",
        "deepmd-kit": "3.2.0",
    },
    "seeds": {"study": 2025, "build": 11, "train": [1, 2]},
    "started": "2025-11-22T13:00:00+00:00",
    "ended": "2025-11-22T13:12:31+00:00",
    "times": {
        "build": {"wall_s": 4.0},
        "learn": {"wall_s": 412.0},
        "metad": {"wall_s": 160.0},
        "unbiased": {"wall_s": 61.0},
        "nucleate": {"wall_s": 101.0},
        "report": {"wall_s": 11.0},
    },
}
