"""Read a cluster profile, or one that ships with the package as an example."""

from __future__ import annotations

import importlib.resources
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nucleoflow.documents import DocumentError, parse_yaml, plain, read_text, schema_of
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.explain import explain
from nucleops.errors import WrongInput

PROFILE_VARIABLE = "NUCLEOFLOW_PROFILE"
"""Environment variable with the path of the profile."""
_DATA = importlib.resources.files("nucleoflow.profile") / "data"


class ProfileError(DocumentError):
    """A profile that cannot be used; holds every mistake that was found."""

    kind = "wrong profile"
    noun = "profile"


def shipped_profiles() -> list[str]:
    """Names of the examples that ship with the package."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in _DATA.iterdir()
        if entry.name.endswith(".yaml")
    )


def default_profile_path() -> Path:
    """Return where your own profile is: ``~/.config/nucleoflow/cluster.yaml``."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "nucleoflow" / "cluster.yaml"


def load_profile(reference: str | None = None) -> ClusterProfile:
    """Read and validate a profile.

    Parameters
    ----------
    reference : str or None
        Path of a YAML file, or the name of a shipped example. None means
        ``$NUCLEOFLOW_PROFILE``, and without it :func:`default_profile_path`.

    Returns
    -------
    ClusterProfile
        The validated profile.

    Raises
    ------
    ProfileError
        The file is not a valid profile; every mistake is listed with its line.
    WrongInput
        There is no such file.
    """
    source, text = profile_text(reference)
    return parse_profile(text, source)


def profile_text(reference: str | None = None) -> tuple[str, str]:
    """Find a profile as :func:`load_profile` does; returns what to call it, and its content."""
    found = reference or os.environ.get(PROFILE_VARIABLE)
    if found is None:
        path = default_profile_path()
        if not path.is_file():
            raise WrongInput(
                f"no cluster profile: there is no file {path}",
                advice=f"give one with --profile FILE or ${PROFILE_VARIABLE}; examples: "
                f"{', '.join(shipped_profiles())}",
            )
        return str(path), read_text(path)
    if Path(found).is_file():
        return found, read_text(Path(found))
    if found in shipped_profiles():
        return found, (_DATA / f"{found}.yaml").read_text(encoding="utf-8")
    raise WrongInput(
        f"there is no file '{found}' and no shipped profile of that name",
        advice=f"shipped profiles: {', '.join(shipped_profiles())}",
    )


def parse_profile(text: str, source: str) -> ClusterProfile:
    """Validate the text of a profile; see :func:`load_profile`."""
    tree = parse_yaml(text, source, ProfileError)
    try:
        return ClusterProfile.model_validate(plain(tree))
    except ValidationError as error:
        raise ProfileError(source, tuple(explain(error, tree, ClusterProfile))) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that profiles follow."""
    return schema_of(ClusterProfile, "nucleoflow cluster profile")
