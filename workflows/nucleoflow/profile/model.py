"""A cluster profile: where a study runs and what each kind of step gets there.

A profile holds no secret: credentials are named (a Secret of the namespace, an environment
variable), never written down.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleoflow import __version__
from nucleoflow.profile.kinds import IMAGE_OF_KIND, Image, StepKind
from nucleoflow.profile.steps import Run, StepResources, default_steps
from nucleops.settings import Settings

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=63)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]
"""Scheme, host and path; no user and no password."""
EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Argo(Settings):
    """The Argo server that workflows are submitted to and watched at."""

    endpoint: Url = "https://localhost:2746"
    """Its address as your machine sees it."""
    ui: Url | None = None
    """Address of its web pages where that differs from `endpoint`."""
    verify_tls: bool = True
    """Check its certificate."""
    ca_file: str | None = None
    """Certificate authority to check it against; none means the system's."""
    token_variable: EnvironmentVariable = "ARGO_TOKEN"
    """Environment variable that holds the bearer token; it may be unset for a server without
    authentication."""


class Storage(Settings):
    """The S3 bucket that artifacts and checkpoints go to."""

    endpoint: Url
    """Its address as the pods see it."""
    client_endpoint: Url | None = None
    """Its address as your machine sees it, where that differs (a port-forward, say)."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = "nucleoflow"
    """Bucket; it must exist."""
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+/)*$")] = ""
    """Put before every key; empty, or ends with a slash."""
    region: str = "us-east-1"
    """Region that requests are signed for."""
    path_style: bool = True
    """Bucket in the path of an address; off for AWS."""
    verify_tls: bool = True
    """Check its certificate."""
    ca_file: str | None = None
    """Certificate authority on your machine to check it against; none means the system's."""
    credentials_secret: DnsName | None = "nucleoflow-s3"
    """Secret of the namespace with the keys `accessKey` and `secretKey`, for the pods; none means
    the workload identity of the service account. Your machine uses what boto3 finds
    (environment, shared credentials file)."""
    ca_config_map: DnsName | None = None
    """ConfigMap of the namespace whose key `ca.crt` is the authority that pods check the
    store's certificate against; none means the system's."""


class Images(Settings):
    """Where the images come from."""

    repository: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./:_-]*$")] = "nucleoflow"
    """What stands before `/<image>`, as `registry.example.org/team`."""
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = __version__
    """Tag of all images that `override` does not name."""
    variant: Literal["cpu", "cuda"] = "cuda"
    """Variant of the images `deepmd` and `lammps-plumed`; added to the tag as `-cuda` or `-cpu`."""
    override: dict[Image, str] = Field(default_factory=dict)
    """Full references for single images, a digest included (`name@sha256:...`)."""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When nodes pull."""
    pull_secrets: tuple[DnsName, ...] = ()
    """Secrets of the namespace for a private registry."""

    def reference(self, image: Image) -> str:
        """Return what a pod spec calls an image."""
        if image in self.override:
            return self.override[image]
        varies = image in ("deepmd", "lammps-plumed")
        return f"{self.repository}/{image}:{self.tag}{f'-{self.variant}' if varies else ''}"

    def of_kind(self, kind: StepKind) -> str:
        """Return the image of a kind of step."""
        return self.reference(IMAGE_OF_KIND[kind])


class ClusterProfile(Settings):
    """Where a study runs; every part but `storage` has defaults that fit the Helm chart."""

    namespace: DnsName = "nucleoflow"
    """Namespace of workflows and pods."""
    kube_context: str | None = None
    """Context of your kubeconfig that `doctor` uses; none means the current one."""
    service_account: DnsName = "nucleoflow-workflow"
    """Service account of the pods; the chart makes it."""
    argo: Argo = Argo()
    """The Argo server."""
    storage: Storage
    """The object store."""
    images: Images = Images()
    """The images."""
    run: Run = Run()
    """Limits of one run as a whole."""
    steps: dict[StepKind, StepResources] = Field(default_factory=dict)
    """What each kind of step gets; a kind that is not named gets the default, and so does a
    field that is not named."""

    @model_validator(mode="after")
    def _whole(self) -> ClusterProfile:
        for kind, step in self.steps.items():
            step.refuse_contradictions(kind)
        return self

    def step(self, kind: StepKind) -> StepResources:
        """Return what a kind of step gets: the default with what the profile says instead."""
        given = self.steps.get(kind)
        default = default_steps()[kind]
        return default if given is None else default.with_fields_of(given)
