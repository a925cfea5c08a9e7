"""Write the parts of the chart that follow from something else; `make chart` runs it.

- `values.schema.json`: the definitions of what a cluster profile may hold, from its model.
- `README.md`: the tables of values and alerts, from the comments in `values.yaml` and from
  `files/alerts.yaml`.
- `files/study-template/*.json`: the form in the Argo UI, from the launcher of the Argo backend.
  What the values decide is `placeholder-...` there; `templates/study-template.yaml` fills it in.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CHART = Path(__file__).parent / "nucleoflow"
_TABLE = r"(<!-- {0}: .*? -->\n).*?(<!-- end of {0} -->)"
_KEY = re.compile(r"^( *)([A-Za-z0-9_./-]+):(?: |$)")


@dataclass(frozen=True)
class Value:
    """One row of the table: a path in the values, its default and its description."""

    path: tuple[str, ...]
    default: Any
    description: str


def described_values(text: str) -> Iterator[Value]:
    """Yield the values that have a comment above them, in order.

    A mapping some of whose own keys have comments is a section and yields no row.

    Parameters
    ----------
    text : str
        A values file in block style.
    """
    values = YAML(typ="safe").load(text)
    rows: dict[tuple[str, ...], str] = {}
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        key = _KEY.match(line)
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip()[1:].strip())
            continue
        if key:
            indent = len(key[1])
            path = [part for part in path if part[0] < indent] + [(indent, key[2])]
            if comment:
                rows[tuple(name for _, name in path)] = " ".join(comment)
        comment = []
    for row, description in rows.items():
        if not any(other[: len(row)] == row and other != row for other in rows):
            yield Value(row, _at(values, row), description)


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def values_table(text: str) -> str:
    """Return the table of values in Markdown."""
    lines = ["| value | default | what it is |", "|---|---|---|"]
    for value in described_values(text):
        default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
        default = "see values.yaml" if len(default) > 60 else f"`{default}`"
        lines.append(f"| `{'.'.join(value.path)}` | {default} | {value.description} |")
    return "\n".join(lines)


def alerts_table(text: str) -> str:
    """Return the table of alerts in Markdown, each with the anchor that its runbook link names."""
    lines = ["| alert | when | what to do |", "|---|---|---|"]
    for alert in YAML(typ="safe").load(text)["alerts"]:
        name, notes = alert["alert"], alert["annotations"]
        action = notes["action"].replace("@NAMESPACE@", "nucleoflow")
        action = action.replace("{{ $labels.kind }}", "KIND").replace("|", "\\|")
        anchor = f'<a id="{name.lower()}"></a>{name}'
        lines.append(f"| {anchor} | {notes['description']} | {action} |")
    return "\n".join(lines)


def readme(readme_text: str, **tables: str) -> str:
    """Return the README with its tables, by the names of their marks, as they have to be."""
    for name, table in tables.items():
        marks = re.compile(_TABLE.format(name), re.S)
        readme_text = marks.sub(lambda m, t=table: f"{m[1]}\n{t}\n\n{m[2]}", readme_text)
    return readme_text


def schema(schema_text: str) -> str:
    """Return the schema with the definitions of a cluster profile as the model has them."""
    from nucleoflow.profile.kinds import STEP_KINDS
    from nucleoflow.profile.model import ClusterProfile

    whole: dict[str, Any] = json.loads(schema_text)
    profile = ClusterProfile.model_json_schema()
    names = ("Argo", "Run", "StepResources", "Gpu", "Retry", "Scratch", "Toleration")
    needed = {name: profile["$defs"][name] for name in names}
    # named one by one: Helm's message on a wrong name has no path where only `propertyNames` is
    needed["Steps"] = {
        "description": profile["properties"]["steps"]["description"],
        "type": "object",
        "additionalProperties": False,
        "properties": {kind: {"$ref": "#/$defs/StepResources"} for kind in STEP_KINDS},
    }
    whole["$defs"] |= needed
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def study_templates() -> dict[str, str]:
    """Return the form by file name: for both kinds of credential, with and without an authority."""
    from nucleoflow.backends.argo.launcher import workflow_template
    from nucleoflow.profile.model import ClusterProfile

    forms = {}
    for credentials, secret in (("secret", "placeholder-secret"), ("identity", None)):
        for ending, authority in (("", None), ("-ca", "placeholder-authority")):
            storage = {
                "endpoint": "http://placeholder-host",
                "bucket": "placeholder-bucket",
                "prefix": "placeholder-prefix/",
                "region": "placeholder-region",
                "credentials_secret": secret,
                "ca_config_map": authority,
            }
            images = {"repository": "placeholder-repository", "tag": "placeholder-tag"}
            profile = ClusterProfile.model_validate({"storage": storage, "images": images})
            text = json.dumps(workflow_template(profile), indent=1) + "\n"
            forms[f"{credentials}{ending}.json"] = text
    return forms


def generated() -> dict[Path, str]:
    """Return what every generated file has to hold."""
    return {
        CHART / "values.schema.json": schema(_text("values.schema.json")),
        CHART / "README.md": readme(
            _text("README.md"),
            values=values_table(_text("values.yaml")),
            alerts=alerts_table(_text("files/alerts.yaml")),
        ),
        **{CHART / "files/study-template" / name: form for name, form in study_templates().items()},
    }


def _text(name: str) -> str:
    return CHART.joinpath(name).read_text()


def main(arguments: list[str]) -> int:
    """Write what is out of date; with ``--check`` say what is, and return 1."""
    outdated = {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text() != text
    }
    if arguments == ["--check"]:
        for path in outdated:
            print(f"{path.relative_to(CHART.parent)} is out of date: make chart", file=sys.stderr)
        return 1 if outdated else 0
    for path, text in outdated.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
