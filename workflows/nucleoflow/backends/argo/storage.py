"""How pods reach the object store: addresses in the manifest, credentials in a Secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from nucleoflow.profile.model import ClusterProfile, Storage
from nucleoflow.profile.steps import Run
from nucleops.errors import WrongInput

CA_FOLDER = "/etc/nucleoflow/store-ca"
CA_FILE = f"{CA_FOLDER}/ca.crt"
WORKFLOW = "{{workflow.name}}"
"""Argo's placeholder for the run id."""


def archive_location(storage: Storage) -> dict[str, Any]:
    """Return where Argo keeps the artifacts of a pod.

    It is said in every template rather than by an artifact repository's ConfigMap, so that the
    profile alone decides and neither a ConfigMap nor the right to read one is needed. Keys in
    artifacts are resolved against it; Secrets are named, never read here.

    Raises
    ------
    WrongInput
        The store's certificate is not to be checked, which Argo cannot do.
    """
    address = urlsplit(storage.endpoint)
    if address.scheme == "https" and not storage.verify_tls:
        raise WrongInput(
            "profile: storage.verify_tls: found false, but Argo always checks the certificate of "
            "an https store",
            advice="name the certificate's authority with storage.ca_config_map",
        )
    s3: dict[str, Any] = {
        "endpoint": address.netloc,
        "bucket": storage.bucket,
        "region": storage.region,
        "insecure": address.scheme == "http",
        "key": f"{storage.prefix}{WORKFLOW}/{{{{pod.name}}}}",
    }
    if storage.credentials_secret is None:
        s3["useSDKCreds"] = True
    else:
        for field, key in (("accessKeySecret", "accessKey"), ("secretKeySecret", "secretKey")):
            s3[field] = {"name": storage.credentials_secret, "key": key}
    return {"archiveLogs": True, "s3": s3}


def environment(storage: Storage) -> list[dict[str, Any]]:
    """Return the variables from which :func:`nucleops.storage.objects.open_store` knows the store.

    Credentials come from the profile's Secret; without one, from the identity of the service
    account.
    """
    settings = {
        "NUCLEOFLOW_S3_ENDPOINT": storage.endpoint,
        "NUCLEOFLOW_S3_REGION": storage.region,
        "NUCLEOFLOW_S3_PATH_STYLE": str(storage.path_style).lower(),
    }
    if storage.ca_config_map is not None:
        settings["NUCLEOFLOW_S3_CA_FILE"] = CA_FILE
    variables: list[dict[str, Any]] = [{"name": n, "value": v} for n, v in settings.items()]
    if storage.credentials_secret is not None:
        for name, key in (
            ("AWS_ACCESS_KEY_ID", "accessKey"),
            ("AWS_SECRET_ACCESS_KEY", "secretKey"),
        ):
            reference = {"name": storage.credentials_secret, "key": key}
            variables.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
    return variables


def checkpoint_environment(storage: Storage, run: Run) -> list[dict[str, str]]:
    """Return the variables of steps that write checkpoints."""
    return [
        {
            "name": "NUCLEOFLOW_CHECKPOINTS",
            "value": f"s3://{storage.bucket}/{storage.prefix}{WORKFLOW}/checkpoints",
        },
        {"name": "NUCLEOFLOW_CHECKPOINT_INTERVAL_S", "value": f"{run.checkpoint_interval_s:g}"},
    ]


def store_url(storage: Storage) -> str:
    """Return the store as :func:`nucleops.storage.objects.open_store` takes it."""
    return f"s3://{storage.bucket}/{storage.prefix}".rstrip("/")


def ca_volumes(profile: ClusterProfile) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return volumes and mounts of the store's certificate authority; both empty without one."""
    if profile.storage.ca_config_map is None:
        return [], []
    volume = {"name": "store-ca", "configMap": {"name": profile.storage.ca_config_map}}
    return [volume], [{"name": "store-ca", "mountPath": CA_FOLDER, "readOnly": True}]
