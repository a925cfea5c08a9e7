"""Operators that choose what is labelled, and that add the labels to the data.

Drop-in replacements for dpgen2's ``SelectConfs`` and ``CollectData``; the additional optional
inputs and outputs carry the account of the round.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.learning.tally import EXPLORED_FILE, by_system, shares
from nucleops.signs import Paths, Strings

RECORD_FILE = "selection.json"
COUNTS = ("accurate", "candidate", "failed", "n_selected")
MOST_PUBLISHED = 24
"""Explorations whose shares are published one by one."""


class SelectConfs(OP):
    """Select configurations from exploration runs; dpgen2's signature plus ``record``."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Selector, element order, and per run: trajectory, model deviation, folder.

        ``init_data`` and ``iter_data`` are what is labelled already; dpgen2's block does not hand
        them over, and a choice without them does not look at them.
        """
        return OPIOSign(
            {
                "conf_selector": object,
                "type_map": Strings,
                "trajs": Artifact(Paths),
                "model_devis": Artifact(Paths),
                "optional_outputs": Artifact(Paths, optional=True),
                "init_data": Artifact(Paths, optional=True),
                "iter_data": Artifact(Paths, optional=True),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """The report dpgen2's scheduler judges, the chosen frames, and a readable record.

        ``counts`` is a parameter of its own: whoever follows the run reads it without opening an
        artifact. It holds the shares, the number of chosen frames, the low trust level, the shares
        of each exploration and, where nothing was left to label, advice.
        """
        return OPIOSign(
            {
                "report": BigParameter(object),
                "counts": dict,
                "confs": Artifact(Paths),
                "record": Artifact(Path),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Let the selector choose, and write down what it counted."""
        from nucleops.learning.foreign_report import foreign_summary

        selector: Any = ip["conf_selector"]
        if not hasattr(selector, "select"):
            raise WrongInput(
                f"conf_selector is a {type(selector).__name__}, not a selector",
                advice="the selector's module must be importable in the image that runs this step",
            )
        runs = [
            (traj, devi, extra)
            for traj, devi, extra in zip(
                ip["trajs"],
                ip["model_devis"],
                ip["optional_outputs"] or [None] * len(ip["trajs"]),
                strict=True,
            )
            if traj is not None and devi is not None
        ]
        labelled = [*(ip["init_data"] or []), *(ip["iter_data"] or [])]
        known = {"labelled_data": [path for path in labelled if path is not None]}
        confs, report = selector.select(
            [run[0] for run in runs],
            [run[1] for run in runs],
            type_map=ip["type_map"],
            optional_outputs=[run[2] for run in runs] if ip["optional_outputs"] else None,
            **(known if getattr(selector, "uses_labelled_data", False) else {}),
        )
        summary = report.summary() if hasattr(report, "summary") else foreign_summary(report, confs)
        explored = Path(EXPLORED_FILE)
        rows = {"explored": json.loads(explored.read_text())} if explored.is_file() else {}
        record = Path(RECORD_FILE)
        record.write_text(json.dumps(summary | rows, indent=1))
        return OPIO(
            {"report": report, "counts": published(summary), "confs": confs, "record": record}
        )


def published(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what of a selection's record is published while the run goes on.

    A cluster keeps parameters in the workflow itself, so it is little: of many explorations only
    the shares by system.
    """
    counts = {name: summary[name] for name in COUNTS}
    counts |= {name: summary[name] for name in ("low_eV_A", "advice") if summary.get(name)}
    explorations: dict[str, dict[str, Any]] = summary.get("explorations") or {}
    if len(explorations) > MOST_PUBLISHED:
        explorations = by_system(explorations)
    if explorations:
        counts["explorations"] = {label: shares(row) for label, row in explorations.items()}
    return counts


class CollectData(OP):
    """Collect a round's labels into one data set; dpgen2's signature plus the round's record."""

    default_optional_parameter = {"mixed_type": False}  # noqa: RUF012  # dpgen2 reads this name

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Labels of the round, the data from before it, and what else happened in it.

        Labels of configurations that ``init_data`` or ``iter_data`` hold already are left out.
        """
        return OPIOSign(
            {
                "name": str,
                "type_map": Strings,
                "optional_parameter": Parameter(dict, default=cls.default_optional_parameter),
                "labeled_data": Artifact(Paths),
                "iter_data": Artifact(Paths),
                "init_data": Artifact(Paths, optional=True),
                "train_logs": Artifact(Paths, optional=True),
                "selection_record": Artifact(Path, optional=True),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Data of all rounds so far, a folder for each; how many labels this round brought."""
        return OPIOSign({"iter_data": Artifact(Paths), "labels": dict})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Merge labels by composition and write the round's record beside them."""
        from nucleops.learning.kept_labels import forget_labels
        from nucleops.learning.record import collect_labels, write_round
        from nucleops.storage.kept import forget
        from nucleops.train import CHECKPOINTS

        if ip["optional_parameter"]["mixed_type"]:
            raise WrongInput(
                "data_mixed_type is true; se_e2_a potentials cannot train on mixed-type data",
                advice="set data_mixed_type to false",
            )
        folder = Path(ip["name"])
        folder.mkdir(exist_ok=True)
        labelled = [path for path in ip["labeled_data"] if path is not None]
        earlier = [*(ip["init_data"] or []), *ip["iter_data"]]
        labels = collect_labels(labelled, ip["type_map"], folder, earlier)
        write_round(
            folder,
            labels,
            ip["selection_record"],
            [path for path in ip["train_logs"] or [] if path is not None],
            labelled,
        )
        forget_labels([*labelled, *(ip["init_data"] or [])])
        if ip["train_logs"]:
            forget(CHECKPOINTS)
        return OPIO({"iter_data": [*ip["iter_data"], folder], "labels": labels})
