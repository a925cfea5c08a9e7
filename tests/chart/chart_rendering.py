"""The chart rendered offline, with stand-ins for its dependencies.

`helm dependency update` needs a network, so the dependencies are not in the repository. Where
somebody ran it, the real charts in ``helm/nucleoflow/charts`` are rendered; otherwise a stand-in of
the same name and version, which writes the values that it got into a ConfigMap.

As a program it writes everything that the chart makes into a folder, for scanners.
"""

from __future__ import annotations

import functools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "nucleoflow"
VALUES_FILES = tuple(sorted(path.name for path in CHART.glob("values*.yaml")))
RELEASE = NAMESPACE = "nucleoflow"
EVERYTHING: dict[str, Any] = {
    "namespace": {"create": True},
    "gpu": {"runtimeClass": {"create": True}},
    "rbac": {"userGroups": ["scientists"], "users": ["someone@example.org"]},
    "monitoring": {
        "scrape": "serviceMonitor",
        "dashboard": {"create": True},
        "rules": {"create": True, "runbookUrl": "https://example.org/runbook"},
    },
}
"""Values that switch on what the defaults leave off."""
_STAND_IN = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: stand-in-for-{{ .Chart.Name }}
data:
  values: {{ toJson .Values | quote }}
"""

Object = dict[str, Any]


def values_of(name: str) -> Object:
    """Return the values of a file of the chart."""
    loaded: Object = yaml.safe_load(CHART.joinpath(name).read_text())
    return loaded


@functools.cache
def chart_folder() -> Path:
    """Return a copy of the chart that has its dependencies or stand-ins for them."""
    folder = Path(tempfile.mkdtemp(prefix="chart-")) / CHART.name
    shutil.copytree(CHART, folder)
    charts = folder / "charts"
    charts.mkdir(exist_ok=True)
    for dependency in yaml.safe_load(CHART.joinpath("Chart.yaml").read_text())["dependencies"]:
        name, version = dependency["name"], dependency["version"]
        if charts.joinpath(f"{name}-{version}.tgz").exists():
            continue
        templates = charts / name / "templates"
        templates.mkdir(parents=True)
        about = {"apiVersion": "v2", "name": name, "version": version}
        templates.parent.joinpath("Chart.yaml").write_text(yaml.safe_dump(about))
        templates.joinpath("values.yaml").write_text(_STAND_IN)
    return folder


def has_real_dependencies() -> bool:
    """Whether somebody ran ``helm dependency update``."""
    return any(CHART.joinpath("charts").glob("*.tgz"))


def render_texts(values: Object, folder: Path | None = None, **release: Any) -> dict[str, str]:
    """Return the rendered templates by their paths in the chart, as ``helm template`` does.

    Parameters
    ----------
    values : dict
        Values beside the chart's own.
    folder : Path, optional
        A chart instead of :func:`chart_folder`.
    **release
        Name, namespace and whether it is an upgrade.
    """
    options = {"name": RELEASE, "namespace": NAMESPACE} | release
    # loaded anew each time: rendering takes dependencies that are switched off out of a chart
    with helm_python.Chart.load(folder or chart_folder()) as chart:
        texts = chart.render(values, **options)
    return {name.removeprefix("nucleoflow/"): text for name, text in texts.items()}


def render(values: Object, folder: Path | None = None, **release: Any) -> list[Object]:
    """Return the objects of the chart and of its dependencies; see :func:`render_texts`."""
    return [
        document
        for name, text in render_texts(values, folder, **release).items()
        if not name.endswith("NOTES.txt")
        for document in yaml.load_all(text, Loader=yaml.CSafeLoader)
        if document
    ]


@functools.cache
def _rendered(name: str) -> str:
    values = EVERYTHING if name == "everything" else values_of(name)
    return json.dumps(render(values))


def rendered(name: str) -> list[Object]:
    """Return the objects that a values file gives, or ``everything`` for :data:`EVERYTHING`."""
    objects: list[Object] = json.loads(_rendered(name))
    return objects


def ours(objects: list[Object]) -> list[Object]:
    """Leave out what the dependencies made."""
    return [o for o in objects if labels(o).get("helm.sh/chart", "").startswith("nucleoflow-")]


def labels(obj: Object) -> dict[str, str]:
    """Return the labels of an object."""
    found: dict[str, str] = obj["metadata"].get("labels") or {}
    return found


def find(objects: list[Object], kind: str, name: str) -> Object:
    """Return the one object of this kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [o for o in objects if o["kind"] in kinds]


def pod_specs(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Yield what is called a pod of each object that makes pods, and its spec."""
    for obj in objects:
        where = f"{obj['kind']} {obj['metadata']['name']}"
        if obj["kind"] == "Pod":
            yield where, obj["spec"]
        elif obj["kind"] in ("Job", "Deployment", "StatefulSet", "DaemonSet"):
            yield where, obj["spec"]["template"]["spec"]


def write_all(folder: Path) -> None:
    """Write the chart's own objects, a file each, for every values file."""
    for case in (*VALUES_FILES, "everything"):
        target = folder / case.removesuffix(".yaml")
        target.mkdir(parents=True, exist_ok=True)
        for obj in ours(rendered(case)):
            name = f"{obj['kind']}-{obj['metadata']['name']}.yaml"
            target.joinpath(name).write_text(yaml.safe_dump(obj))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
