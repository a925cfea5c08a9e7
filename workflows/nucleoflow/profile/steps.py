"""What a pod of each kind of step gets, and the limits of a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nucleoflow.profile.kinds import StepKind
from nucleops.settings import Positive, PositiveInt, Settings

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""Amount as Kubernetes writes it: `500m`, `2`, `4Gi`."""
Label = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=253)
]
Seconds = Annotated[int, Field(ge=1)]


class Toleration(Settings):
    """A taint of a node that pods may ignore."""

    key: Label
    """Key of the taint."""
    operator: Literal["Exists", "Equal"] = "Exists"
    """Whether `value` counts."""
    value: str | None = None
    """Value of the taint, with `operator: Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; none means every effect."""


class Gpu(Settings):
    """Graphics cards of one pod."""

    resource: Label = "nvidia.com/gpu"
    """Name of the extended resource."""
    count: PositiveInt = 1
    """How many."""
    runtime_class: str | None = None
    """Runtime class of the pod, where the cluster needs one (`nvidia`)."""


class Retry(Settings):
    """How often and when a transient failure is tried again; other failures never are."""

    limit: Annotated[int, Field(ge=0, le=100)] = 5
    """Retries after the first attempt."""
    backoff_s: Seconds = 30
    """Pause before the first retry in seconds."""
    factor: PositiveInt = 2
    """By which the pause grows."""
    max_backoff_s: Seconds = 1800
    """Longest pause in seconds."""
    memory_growth: Annotated[float, Field(ge=1, le=4)] = 1.0
    """Factor on the memory request and limit at each retry; 1 leaves it."""


class Scratch(Settings):
    """Volume that the step works on."""

    size: Quantity = "10Gi"
    """Its size."""
    storage_class: str | None = None
    """Storage class of an ephemeral volume; none means the node's own disk (`emptyDir`)."""


class StepResources(Settings):
    """What the pods of one kind of step get."""

    cpu: Quantity = "1"
    """Cores: the request."""
    memory: Quantity = "2Gi"
    """Memory: request and limit."""
    cpu_limit: Quantity | None = None
    """Most cores; none means no limit."""
    gpu: Gpu | None = None
    """Graphics cards; none means no card."""
    node_selector: dict[Label, str] = Field(default_factory=dict)
    """Labels that the node must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that do not keep the pod away (spot nodes, GPU nodes)."""
    priority_class: str | None = None
    """Priority class of the pod."""
    deadline_s: Seconds | None = None
    """Longest time of one attempt in seconds; none means no limit."""
    termination_grace_s: Seconds = 60
    """Time between SIGTERM and SIGKILL in seconds, for a last checkpoint."""
    retry: Retry = Retry()
    """What happens after a transient failure."""
    scratch: Scratch = Scratch()
    """Working volume."""

    def with_fields_of(self, given: StepResources) -> StepResources:
        """Return these resources with the fields that were set in ``given`` instead."""
        return self.model_copy(update={f: getattr(given, f) for f in given.model_fields_set})

    def refuse_contradictions(self, kind: StepKind) -> None:
        """Raise ``ValueError`` where fields contradict one another."""
        for toleration in self.tolerations:
            if (toleration.operator == "Equal") != (toleration.value is not None):
                raise ValueError(
                    f"steps.{kind}: toleration '{toleration.key}': `value` goes with"
                    " `operator: Equal` and is required there"
                )


class Run(Settings):
    """Limits of one run as a whole."""

    parallelism: PositiveInt = 256
    """Most pods at once."""
    deadline_s: Seconds | None = None
    """Longest time of the whole run in seconds; none means no limit."""
    ttl_success_s: Seconds = 7 * 86_400
    """How long a workflow that succeeded is kept in the cluster, in seconds."""
    ttl_failure_s: Seconds = 30 * 86_400
    """How long one that failed is kept, in seconds."""
    keep_pods: Literal["never", "failed", "always"] = "failed"
    """Which pods stay after they ended."""
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Order of waiting workflows; the higher, the sooner."""
    checkpoint_interval_s: Positive = 300.0
    """Time between checkpoints of molecular dynamics and trainings in seconds."""


def default_steps() -> dict[StepKind, StepResources]:
    """Resources of every kind of step where a profile says nothing."""
    gpu = Gpu()
    return {
        "light": StepResources(cpu="250m", memory="1Gi", scratch=Scratch(size="5Gi")),
        "build": StepResources(),
        "label": StepResources(cpu="4", memory="8Gi", retry=Retry(memory_growth=1.5)),
        "train": StepResources(cpu="4", memory="16Gi", gpu=gpu),
        "md": StepResources(cpu="2", memory="8Gi", gpu=gpu, scratch=Scratch(size="20Gi")),
        "analyse": StepResources(cpu="2", memory="8Gi", scratch=Scratch(size="50Gi")),
    }
