"""Commands as a user types them, and runs that were submitted from here."""

from __future__ import annotations

from pathlib import Path

from argo_stub import StubArgo
from argo_trees import Tree
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder

MINI = Path(__file__).parents[2] / "data" / "studies" / "mini.yaml"
TOKEN = "planted-secret-token"


def call(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert TOKEN not in result.output
    assert "Traceback" not in result.output
    return result


def recorded(argo: StubArgo, profile: ClusterProfile, root: Path, tree: Tree) -> RunFolder:
    """A run that was submitted from here."""
    run = RunFolder(root / tree.name)
    run.path.mkdir(parents=True)
    run.study.write_text(MINI.read_text())
    run.write(
        "run",
        {
            "id": run.id, "backend": "argo", "study": "mini", "stages": [], "created": 1.0,
            "profile": profile.model_dump(mode="json", exclude_unset=True),
        },
    )  # fmt: skip
    argo.add(tree.workflow())
    return run
