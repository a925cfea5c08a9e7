"""What an S3 server's answers, and its silence, mean for a user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from nucleops.errors import MissingObject, NucleoError, StorageUnreachable, WrongInput

MISSING = ("NoSuchKey", "404", "NotFound")

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in a cluster the Secret of the profile"
_DENIED = "the credentials need to list the bucket and to get, put and delete its objects"
_REGION = "set NUCLEOFLOW_S3_REGION, in a cluster `storage.region` of the profile"

_ADVICE = {
    "NoSuchBucket": "make the bucket, or correct its name",
    "InvalidBucketName": "correct the bucket's name",
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": f"{_KEYS}; a proxy that rewrites headers has the same effect",
    "ExpiredToken": "the session token is too old; get a new one",
    "InvalidToken": "the session token is not valid; get a new one",
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "403": f"{_DENIED}; {_KEYS}",
    "401": _KEYS,
    "RequestTimeTooSkewed": "the clock of this machine differs from the server's by more than"
    " S3 allows (15 minutes); correct it (NTP)",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "QuotaExceeded": "the bucket is full: delete old runs, or have its quota raised",
    "XMinioStorageFull": "the server is full: delete old runs, or give it more disk",
    "InvalidObjectState": "the object was moved to an archive class; restore it first",
    "NotImplemented": "the server does not have this operation of S3; use another server",
}
"""Code of an answer that no other try changes: what to do about it."""

_UNREACHABLE = "is the server up, and is its address right (NUCLEOFLOW_S3_ENDPOINT)?"


@contextlib.contextmanager
def failures(operation: str, where: str) -> Iterator[None]:
    """Turn what boto3 raises into failures.

    Parameters
    ----------
    operation : str
        What was tried, as in "could not <operation>".
    where : str
        Bucket and server, for the message.

    Raises
    ------
    MissingObject
        The key is not there.
    WrongInput
        The server refuses in a way that only a person can change.
    StorageUnreachable
        It did not answer, or failed itself.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except NucleoError:
        raise
    except ClientError as error:
        raise of_answer(error.response, f"could not {operation} ({where})") from error
    except (BotoCoreError, HTTPError) as error:
        raise _of_silence(error, f"could not {operation} ({where})") from error


def of_answer(response: dict[str, Any], what: str) -> NucleoError:
    """Return the failure that an error answer of a server means.

    Parameters
    ----------
    response : dict
        As botocore's ``ClientError`` holds it. Its text is not passed on: some servers quote
        the access key there.
    what : str
        Beginning of the message.
    """
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in MISSING:
        return MissingObject(f"{what}: there is no such object")
    if code in _ADVICE:
        return WrongInput(f"{what}: {code}", advice=_ADVICE[code])
    if 400 <= status < 500 and status not in (408, 409, 425, 429) and code != "RequestTimeout":
        return WrongInput(f"{what}: {code or 'refused'} (HTTP {status})")
    return StorageUnreachable(f"{what}: {code or 'failed'} (HTTP {status})", advice=_UNREACHABLE)


def _of_silence(error: Exception, what: str) -> NucleoError:
    from botocore import exceptions

    name = type(error).__name__
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return WrongInput(f"{what}: no credentials found", advice=_KEYS)
    if isinstance(error, exceptions.SSLError):
        advice = "set NUCLEOFLOW_S3_CA_FILE to the authority of the server's certificate"
        return WrongInput(f"{what}: its certificate is not trusted", advice=advice)
    wrong = (
        exceptions.ParamValidationError,
        exceptions.InvalidRegionError,
        exceptions.DataNotFoundError,
    )
    if isinstance(error, wrong):
        return WrongInput(f"{what}: {error}")
    return StorageUnreachable(f"{what}: {name}", advice=_UNREACHABLE)
