"""What runs in the first pod of the launcher: from the form to a manifest."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleoflow.backends.argo.manifest import API_VERSION
from nucleoflow.study.load import load_study, parse_study, shipped_studies
from nucleoflow.study.model import STAGES, Study
from nucleops.errors import NucleoError

ALL_STAGES = "all"


def owned(manifest: dict[str, Any], owner: str, uid: str) -> dict[str, Any]:
    """Return a manifest that is deleted with the workflow that owns it.

    Argo's ``setOwnerReference`` has no effect on a manifest that comes as an artifact.
    """
    reference = {"apiVersion": API_VERSION, "kind": "Workflow", "name": owner, "uid": uid}
    metadata = {**manifest["metadata"], "ownerReferences": [reference]}
    return {**manifest, "metadata": metadata}


def run_id_of(study: Study) -> str:
    """Return the id of a run that begins now: ``<study>-<yyyymmdd>-<hhmmss>``, in UTC."""
    return f"{study.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"


def given_study(text: str) -> Study:
    """Read what was put into the form: the name of a shipped study, or a study's text."""
    name = text.strip()
    return load_study(name) if name in shipped_studies() else parse_study(text, "study")


def main(arguments: Sequence[str]) -> int:
    """Render what the form asks for; returns 0, or 2 where a person has to correct something."""
    from nucleoflow.backends.argo.files import write_manifest
    from nucleoflow.backends.argo.inputs import perform_uploads
    from nucleoflow.backends.argo.render import render
    from nucleoflow.profile.load import load_profile
    from nucleoflow.study.variants import with_replicas

    asked = _arguments(arguments)
    try:
        study = given_study(asked.study.read_text(encoding="utf-8"))
        if asked.replicas is not None:
            study = with_replicas(study, asked.replicas)
        profile = load_profile(asked.profile)
        images = profile.images.model_copy(update={"tag": asked.image_tag})
        profile = profile.model_copy(update={"images": images})
        stages = () if asked.stage == ALL_STAGES else (asked.stage,)
        rendered = render(study, profile, run_id=run_id_of(study), stages=stages)
        perform_uploads(rendered.uploads, profile.storage)
    except NucleoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if error.transient else 2
    write_manifest(owned(rendered.manifest, asked.owner, asked.owner_uid), asked.output)
    print(f"run {rendered.manifest['metadata']['name']}")
    return 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="launcher", description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--stage", choices=(ALL_STAGES, *STAGES), default=ALL_STAGES)
    parser.add_argument("--replicas", type=lambda text: int(text) if text else None)
    for option in ("--profile", "--image-tag", "--owner", "--owner-uid"):
        parser.add_argument(option, required=True)
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
