"""The bill of materials names what is really installed."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys

import pytest

from image_tools.sbom import INVENTORY, cyclonedx

CONDA = {
    "name": "lammps",
    "version": "2025.07.22",
    "build": "cpu_py311_h0_mpi_mpich_9",
    "channel": ["conda-forge", "linux-64"],
    "licence": "GPL-2.0-only",
}


@pytest.fixture(scope="module")
def here() -> dict[str, list[dict[str, str]]]:
    """The inventory of this machine, made as in an image: the script comes by standard input."""
    done = subprocess.run(
        [sys.executable, "-I", "-"],
        input=INVENTORY.read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_inventory_holds_python_and_debian_packages(here):
    assert {"name": "numpy", "version": importlib.metadata.version("numpy")}.items() <= next(
        p for p in here["pypi"] if p["name"] == "numpy"
    ).items()
    dpkg = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "cp2k"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert next(p for p in here["deb"] if p["name"] == "cp2k")["version"] == dpkg.stdout


def test_document_is_cyclonedx_with_package_urls(here):
    document = cyclonedx({**here, "conda": [CONDA]}, "r.example/t/cp2k:1.0-cpu")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "r.example/t/cp2k"
    components = {c["purl"]: c for c in document["components"]}
    assert len(components) == len(document["components"])
    assert f"pkg:pypi/numpy@{importlib.metadata.version('numpy')}" in components
    assert any(purl.startswith("pkg:deb/debian/cp2k@2023.1-") for purl in components)
    lammps = components[
        "pkg:conda/lammps@2025.07.22?build=cpu_py311_h0_mpi_mpich_9&channel=conda-forge%2Flinux-64"
    ]
    assert lammps["licenses"] == [{"license": {"name": "GPL-2.0-only"}}]


def test_names_and_versions_are_written_as_package_urls_want_them():
    inventory = {
        "pypi": [{"name": "Ruamel.YAML_x", "version": "1.0", "licence": ""}],
        "deb": [{"name": "libc6", "version": "1:2.36-9+deb12u1~x", "architecture": "amd64"}],
    }
    purls = [c["purl"] for c in cyclonedx(inventory, "a:b")["components"]]
    assert purls == [
        "pkg:deb/debian/libc6@1:2.36-9+deb12u1~x?arch=amd64",
        "pkg:pypi/ruamel-yaml-x@1.0",
    ]


def test_the_same_inventory_gives_the_same_document(here):
    turned = {name: list(reversed(packages)) for name, packages in here.items()}
    assert cyclonedx(here, "a:b") == cyclonedx(turned, "a:b")
