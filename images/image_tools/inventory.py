"""List what is installed where this runs, as JSON: Debian's, Python's and conda's packages.

Fed to the Python of an image by ``images/build --sbom``, so it imports nothing of ours.
"""

import importlib.metadata
import json
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

DPKG_FORMAT = "${Package}\t${Version}\t${Architecture}\n"


def debian() -> Iterator[dict[str, Any]]:
    """Yield name, version and architecture of every Debian package."""
    done = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={DPKG_FORMAT}"],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        name, version, architecture = line.split("\t")
        yield {"name": name, "version": version, "architecture": architecture}


def python() -> Iterator[dict[str, Any]]:
    """Yield name, version and licence of every Python distribution."""
    for dist in importlib.metadata.distributions():
        fields = dist.metadata
        licence = "".join(fields.get_all("License-Expression") or [])
        yield {"name": fields["Name"], "version": dist.version, "licence": licence}


def conda() -> Iterator[dict[str, Any]]:
    """Yield name, version, build, channel and licence of every conda package under /opt."""
    for path in sorted(pathlib.Path("/opt").glob("*/conda-meta/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        yield {
            "name": record["name"],
            "version": record["version"],
            "build": record["build"],
            "channel": record.get("channel", "").rstrip("/").rsplit("/", 2)[-2:],
            "licence": record.get("license") or "",
        }


if __name__ == "__main__":
    print(json.dumps({"deb": list(debian()), "pypi": list(python()), "conda": list(conda())}))
