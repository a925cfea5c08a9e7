"""Strict validation against a CRD: a small one here, Argo's own by hand."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from nucleoflow.backends.argo.crd import main, unfit

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  names: {kind: Workflow}
  versions:
    - name: v1
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            kind: {type: string}
            metadata: {type: object}
            spec:
              type: object
              properties:
                limit: {x-kubernetes-int-or-string: true}
                count: {type: integer}
                on: {type: boolean}
                strategy: {type: string, enum: [A, B]}
                labels: {type: object, additionalProperties: {type: string}}
                steps: {type: array, items: {type: object, properties: {name: {type: string}}}}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


@pytest.fixture
def crd(tmp_path: Path) -> Path:
    path = tmp_path / "crd.yaml.gz"
    path.write_bytes(gzip.compress(CRD.encode()))
    return path


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{limit: 3, count: 1, on: true, strategy: A, labels: {a: b}}", []),
        ("{limit: '3', steps: [{name: a}], free: {any: [thing]}}", []),
        ("{ttl: 3}", ["spec.ttl: unknown field"]),
        ("{steps: [{name: a}, {nmae: b}]}", ["spec.steps[1].nmae: unknown field"]),
        ("{count: many}", ["spec.count: found str, allowed: integer"]),
        ("{count: true}", ["spec.count: found bool, allowed: integer"]),
        ("{strategy: C}", ["spec.strategy: found 'C', allowed: ['A', 'B']"]),
        ("{labels: {a: 1}}", ["spec.labels.a: found int, allowed: string"]),
        ("{limit: [3]}", ["spec.limit: found list, allowed: integer or string"]),
    ],
)
def test_what_does_not_fit_is_named(
    crd: Path, tmp_path: Path, capsys: Any, spec: str, expected: list[str]
) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_text(f"kind: Workflow\nmetadata: {{name: x}}\nspec: {spec}\n")
    assert main([str(crd), str(manifest)]) == bool(expected)
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[1:]] == expected
    assert ("fits" in lines[0]) is (not expected)


def test_what_is_missing_and_what_is_unknown(crd: Path, tmp_path: Path, capsys: Any) -> None:
    assert list(unfit({}, {"type": "object", "required": ["spec"]})) == [
        ".spec: is required and missing"
    ]
    (tmp_path / "m.yaml").write_text("kind: Job\n")
    assert main([str(crd), str(tmp_path / "m.yaml")]) == 1
    assert "the CRD has ['Workflow']" in capsys.readouterr().out
    assert main([]) == 2
