"""The dflow executor of local steps."""

from __future__ import annotations

import sys
from copy import copy, deepcopy
from typing import Any

from dflow import Executor

_MODULE = "nucleoflow.backends.local.supervisor"
_UTILITIES = ("InitArtifactForSlices", "CheckNumSuccess", "CheckSuccessRatio")


class LocalExecutor(Executor):
    """Have a step run by the supervisor, with slots, retries and a time limit.

    Give it to a step as ``executor``, or to a workflow as ``context`` for all steps that have
    none of their own. Steps that dflow adds itself take no slot.

    Parameters
    ----------
    cores : int
        Cores the step holds while it runs, and threads it is given; 0 for a light step that
        does not wait for a core. More than the run has means all of them.
    gpus : int
        GPUs it holds; it sees no others.
    per_gpu : int
        How many such steps may have the same GPU at once.
    retries : int
        How often a transient failure is tried again.
    timeout_s : float or None
        Wall-clock limit of one attempt in seconds, waiting for slots not counted.
    backoff_s : float
        Pause before the first retry in seconds; doubled for each further one.
    """

    def __init__(
        self,
        cores: int = 1,
        gpus: int = 0,
        retries: int = 2,
        timeout_s: float | None = None,
        backoff_s: float = 5.0,
        per_gpu: int = 1,
    ) -> None:
        if cores < 0 or gpus < 0 or retries < 0:
            raise ValueError(f"cores, gpus and retries are 0 or more: {cores}, {gpus}, {retries}")
        self.cores = cores
        self.gpus = gpus
        self.per_gpu = per_gpu
        self.retries = retries
        self.timeout_s = timeout_s
        self.backoff_s = backoff_s

    def times(self, runs: int) -> LocalExecutor:
        """Return the executor of a step that does ``runs`` of these side by side."""
        executor = copy(self)
        executor.cores, executor.gpus = self.cores * runs, self.gpus * runs
        return executor

    def render(self, template: Any) -> Any:
        """Return a copy of a template that is run by the supervisor.

        Workflows and templates that hold other steps are returned as they are.
        """
        if getattr(template, "script", None) is None or not hasattr(template, "command"):
            return template
        if _MODULE in template.command:
            return template
        supervised = deepcopy(template)
        supervised.command = [*self._prefix(type(template).__name__), *template.command]
        return supervised

    def _prefix(self, template_class: str) -> list[str]:
        utility = template_class in _UTILITIES
        options = {
            "--cores": 0 if utility else self.cores,
            "--gpus": 0 if utility else self.gpus,
            "--retries": self.retries,
            "--backoff-s": self.backoff_s,
        }
        if self.gpus and self.per_gpu > 1:
            options["--per-gpu"] = self.per_gpu
        if self.timeout_s is not None:
            options["--timeout-s"] = self.timeout_s
        words = [str(word) for pair in options.items() for word in pair]
        # -P keeps the step's folder, full of files of any name, out of the import path
        return [sys.executable, "-P", "-m", _MODULE, *words, "--"]
