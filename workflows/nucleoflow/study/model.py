"""A study: everything that is to be computed, in one validated object."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from nucleoflow.study.molecules import molecule_mistakes
from nucleoflow.study.sections import (
    ChargeSettings,
    Chemistry,
    Learn,
    Metad,
    Nucleate,
    ReportSettings,
    Resources,
    Unbiased,
)
from nucleops.bias.spec import Bias
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.lammps.settings import Trust
from nucleops.settings import Name, Settings
from nucleops.systems.molecules import MoleculeSpec, elements_of
from nucleops.systems.spec import SystemSpec

STAGES = ("build", "learn", "metad", "unbiased", "nucleate", "charges", "report")
"""The stages of a study, in the order in which they depend on one another."""

Stage = Literal["build", "learn", "metad", "unbiased", "nucleate", "charges", "report"]


class Study(Settings):
    """From molecules to a report, in one file."""

    name: Name
    """Short name; runs are called after it."""
    title: str = Field(min_length=1, max_length=200)
    """What the study is about, in a sentence; the title of the report."""
    seed: int = Field(ge=0, le=2**31 - 1)
    """Seed from which every random number of the study follows."""
    chemistry: Chemistry = Chemistry()
    """Elements and molecules."""
    molecules: dict[Name, MoleculeSpec] = Field(default_factory=dict)
    """Molecules of the study's own, by name, beside the shipped motifs."""
    level_of_theory: LevelOfTheory
    """How reference energies and forces are computed."""
    systems: dict[Name, SystemSpec] = Field(min_length=1)
    """What is simulated, by name."""
    biases: dict[Name, Bias] = Field(default_factory=dict)
    """Collective variables with walls, restraints and metadynamics or OPES, by name."""
    trust: Trust = Trust()
    """Where trust in the potential ends."""
    learn: Learn
    """Stage `learn`."""
    metad: dict[Name, Metad] = Field(default_factory=dict)
    """Stage `metad`: production runs, by name."""
    unbiased: dict[Name, Unbiased] = Field(default_factory=dict)
    """Stage `unbiased`: long runs, by name."""
    nucleate: Nucleate | None = None
    """Stage `nucleate`."""
    charges: ChargeSettings | None = None
    """Stage `charges`: atomic charges of the states that `metad` and `unbiased` found, and of
    motifs; left out: not run."""
    report: ReportSettings = ReportSettings()
    """Stage `report`."""
    resources: Resources = Resources()
    """Cores, GPUs, retries and limits of the tasks."""

    @property
    def type_map(self) -> list[str]:
        """Element order of every potential and data set."""
        return list(elements_of(self.chemistry.metal, self.molecules))

    @property
    def plain_molecules(self) -> dict[str, Any]:
        """What a task has to know of `molecules`, as plain data; empty where there are none."""
        molecules = {name: spec.model_dump(mode="json") for name, spec in self.molecules.items()}
        return {"molecules": molecules} if molecules else {}

    @property
    def digest(self) -> str:
        """SHA-256 of the study's content, independent of layout and comments of its file."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # a study without these sections keeps the digest that it had before there were any
        content: dict[str, Any] = handler(self)
        for section in ("molecules", "charges"):
            if not getattr(self, section):
                content.pop(section, None)
        return content

    @model_validator(mode="after")
    def _names_exist(self) -> Study:
        errors = [*_dangling(self), *_volumes(self)]
        errors += [_detail(*mistake) for mistake in molecule_mistakes(self)]
        errors += _charge_mistakes(self)
        if errors:
            raise ValidationError.from_exception_data("Study", errors)
        return self


def unknown_name(what: str, found: str, allowed: Iterable[str]) -> PydanticCustomError:
    """Build the error for a name that is not defined, with the nearest one that is."""
    names = sorted(allowed)
    near = difflib.get_close_matches(found, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return PydanticCustomError(
        "unknown_name",
        "there is no {what} '{found}'; defined: {names}{hint}",
        {"what": what, "found": found, "names": ", ".join(names) or "none", "hint": hint},
    )


def _references(study: Study) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield (path in the study, kind of name, name) of everything that refers to a definition."""
    for i, run in enumerate(study.learn.initial_data):
        yield ("learn", "initial_data", i, "system"), "system", run.system
    for i, exploration in enumerate(study.learn.exploration):
        yield ("learn", "exploration", i, "system"), "system", exploration.system
        if exploration.bias is not None:
            yield ("learn", "exploration", i, "bias"), "bias", exploration.bias
    for name, metad in study.metad.items():
        yield ("metad", name, "system"), "system", metad.system
        yield ("metad", name, "bias"), "bias", metad.bias
    for name, unbiased in study.unbiased.items():
        yield ("unbiased", name, "system"), "system", unbiased.system


def _volumes(study: Study) -> Iterator[InitErrorDetails]:
    """Refuse pressures and volumes of droplets, which have neither."""
    for i, exploration in enumerate(study.learn.exploration):
        spec = study.systems.get(exploration.system)
        if spec is None or spec.box.shape == "cube":
            continue
        for key in ("pressures_bar", "volume_factors"):
            found = getattr(exploration, key)
            if found:
                error = PydanticCustomError(
                    "droplet_volume",
                    "system '{system}' is a droplet in vacuum, which has neither pressure nor "
                    "volume; allowed: none, or a system with box: {{shape: cube}}",
                    {"system": exploration.system},
                )
                yield _detail(("learn", "exploration", i, key), list(found), error)


def _dangling(study: Study) -> Iterator[InitErrorDetails]:
    defined: dict[str, Iterable[str]] = {"system": study.systems, "bias": study.biases}
    for path, kind, name in _references(study):
        if name not in defined[kind]:
            yield _detail(path, name, unknown_name(kind, name, defined[kind]))
    for name, metad in study.metad.items():
        bias = study.biases.get(metad.bias)
        if bias is None:
            continue
        if bias.enhanced is None:
            error = PydanticCustomError(
                "no_metadynamics",
                "bias '{bias}' has neither metadynamics nor opes",
                {"bias": metad.bias},
            )
            yield _detail(("metad", name, "bias"), metad.bias, error)
        elif bias.metadynamics is None and metad.shared_bias:
            error = PydanticCustomError(
                "no_metadynamics",
                "bias '{bias}' is of OPES, whose walkers PLUMED shares through MPI only; allowed: "
                "independent walkers, or a bias with metadynamics",
                {"bias": metad.bias},
            )
            yield _detail(("metad", name, "shared_bias"), metad.shared_bias, error)


def _charge_mistakes(study: Study) -> Iterator[InitErrorDetails]:
    charges = study.charges
    if charges is None:
        return
    wants = "ddec6" if charges.ddec6 is not None else "keep_cubes" if charges.keep_cubes else ""
    level = charges.level or study.level_of_theory
    if wants and level.method != "pbe-d3":
        error = PydanticCustomError(
            "no_density",
            "{wants} needs an electron density, which level '{method}' has not; allowed: pbe-d3",
            {"wants": wants, "method": level.method},
        )
        yield _detail(("charges", wants), getattr(charges, wants), error)
    if not charges.motifs and not study.metad and not study.unbiased:
        error = PydanticCustomError(
            "no_structure", "no structure to compute charges of: name motifs, metad or unbiased"
        )
        yield _detail(("charges", "motifs"), charges.motifs, error)


def _detail(
    path: tuple[str | int, ...], found: Any, error: PydanticCustomError
) -> InitErrorDetails:
    return InitErrorDetails(type=error, loc=path, input=found)
