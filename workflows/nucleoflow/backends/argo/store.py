"""The profile's object store, as this machine reaches it."""

from __future__ import annotations

from nucleoflow.profile.model import Storage
from nucleops.errors import WrongInput
from nucleops.storage.objects import ObjectStore


def client_store(storage: Storage) -> ObjectStore:
    """Open the bucket for whole keys, as artifacts in a workflow's status name them.

    Credentials are those that boto3 finds here; the pods' Secret is not read.

    Raises
    ------
    WrongInput
        The store's certificate is not to be checked, which is not supported.
    """
    from nucleops.storage.s3 import S3Settings, S3Store

    endpoint = storage.client_endpoint or storage.endpoint
    if endpoint.startswith("https://") and not storage.verify_tls:
        raise WrongInput(
            "profile: storage.verify_tls: found false; certificates of stores are always checked",
            advice="name the authority that signed it in storage.ca_file",
        )
    return S3Store(
        S3Settings(
            bucket=storage.bucket,
            endpoint=endpoint,
            region=storage.region,
            path_style=storage.path_style,
            ca_file=storage.ca_file,
        )
    )
