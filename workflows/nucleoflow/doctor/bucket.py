"""The object store: a round trip of a small object, with the credentials of this machine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nucleoflow.doctor.clocks import clock_ahead
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed
from nucleops.errors import NucleoError, StorageUnreachable

if TYPE_CHECKING:
    from nucleoflow.profile.model import Storage
    from nucleops.storage.objects import ObjectStore


def endpoint(subject: Examination) -> Iterable[Finding]:
    """Whether the store answers from here at all."""
    import requests

    storage = subject.of_profile().storage
    address = storage.client_endpoint or storage.endpoint
    if not storage.verify_tls and any(
        url.startswith("https://") for url in (address, storage.endpoint)
    ):
        yield failed(
            "storage.verify_tls is false, but Argo and the pods always check certificates",
            "leave it out; name the certificate's authority in storage.ca_file (for this machine)"
            " and storage.ca_config_map (for the pods)",
        )
        return
    begun = time.time()
    try:
        # without credentials: any answer will do, most stores refuse
        answer = requests.get(
            address,
            timeout=(min(5.0, subject.timeout_s), subject.timeout_s),
            verify=storage.ca_file or True,
            allow_redirects=False,
        )
    except requests.exceptions.SSLError:
        yield failed(
            f"{address}: its certificate is not trusted, or it does not speak TLS",
            "set storage.ca_file to the authority's certificate, or write http:// if it has none",
        )
        return
    except OSError:  # all of requests' errors, and a certificate file that is not there
        yield failed(
            f"{address}: does not answer from this machine",
            f"kubectl -n {subject.of_profile().namespace} port-forward svc/nucleoflow-s3"
            " 8333:8333 and set storage.client_endpoint to"
            " http://localhost:8333, or correct storage.endpoint",
        )
        return
    ahead = clock_ahead(answer.headers.get("Date"), begun, time.time())
    if ahead is not None:
        subject.clocks["object store"] = ahead
    if answer.status_code >= 500:
        yield failed(f"{address}: HTTP {answer.status_code}", "look at the log of the store")
    else:
        yield passed(address)


def round_trip(subject: Examination) -> Iterable[Finding]:
    """Whether an object can be written, listed, read and deleted."""
    storage = subject.of_profile().storage
    yield from try_store(
        store_of(storage, subject.timeout_s), f"bucket '{storage.bucket}'", "doctor/"
    )


def try_store(store: ObjectStore, where: str, folder: str) -> Iterable[Finding]:
    """Write, list, read and delete a small object of a random name.

    Parameters
    ----------
    store : ObjectStore
        The store.
    where : str
        What to call it.
    folder : str
        Where the object is put; ends with a slash.
    """
    key = f"{folder}{secrets.token_hex(8)}"
    content = secrets.token_bytes(64)
    deed = "written to"
    written = False
    try:
        store.put_bytes(content, key)
        written = True
        deed = "listed in"
        listed = key in store.list(folder)
        deed = "read from"
        same = store.get_bytes(key) == content
        deed = "deleted from"
        store.delete(key)
        written = False
        gone = not store.exists(key)
    except NucleoError as error:
        if written:
            _try_to_delete(store, key)
        advice = error.advice or (
            "try again; then look at the log of the store"
            if isinstance(error, StorageUnreachable)
            else "check the bucket's name and policy, and the credentials that boto3 finds here"
            " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of AWS_PROFILE)"
        )
        yield failed(f"{where}: an object could not be {deed} it: {error.message}", advice)
        return
    wrong = [
        text
        for text, well in (
            ("is not listed after it was written", listed),
            ("is not read as it was written", same),
            ("is still there after it was deleted", gone),
        )
        if not well
    ]
    if wrong:
        yield failed(
            f"{where}: an object {' and '.join(wrong)}",
            "use a store with read-after-write consistency, as S3 has, and no object lock",
        )
    else:
        yield passed(f"{where}: written, listed, read and deleted")


def _try_to_delete(store: ObjectStore, key: str) -> None:
    try:
        store.delete(key)
    except NucleoError:
        return  # the failure before this one is what the user has to know


def store_of(storage: Storage, timeout_s: float) -> ObjectStore:
    """Open the bucket of a profile as this machine sees it; one try each, for a quick diagnosis."""
    from nucleops.storage.s3 import S3Settings, S3Store

    return S3Store(
        S3Settings(
            bucket=storage.bucket,
            prefix=storage.prefix.strip("/"),
            endpoint=storage.client_endpoint or storage.endpoint,
            region=storage.region,
            path_style=storage.path_style,
            ca_file=storage.ca_file,
            attempts=1,
            connect_timeout_s=min(5.0, timeout_s),
            read_timeout_s=timeout_s,
        )
    )


CHECKS = (
    Check("object store", endpoint, ("profile",)),
    Check("bucket", round_trip, ("object store",)),
)
