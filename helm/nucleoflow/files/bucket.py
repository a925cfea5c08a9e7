"""Make the bucket if it is missing; the argument is its name."""

import sys
import time

from botocore.exceptions import BotoCoreError, ClientError

from nucleops.storage.s3_client import S3Settings, make_client

WAIT_S = 600.0


def main(bucket: str) -> int:
    """Return an exit code; the server may still be starting."""
    client = make_client(S3Settings.from_environment(bucket))
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return _made(client, bucket)
        except (BotoCoreError, ClientError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code in ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
                print(
                    f"bucket '{bucket}': refused ({code}). Check the Secret with accessKey and"
                    " secretKey, or make the bucket yourself and set objectStore.createBucket to"
                    " false.",
                    file=sys.stderr,
                )
                return 1
            if time.monotonic() > end:
                print(f"bucket '{bucket}': no answer for {WAIT_S:g} s: {error}", file=sys.stderr)
                return 1
            time.sleep(3)


def _made(client: object, bucket: str) -> int:
    try:
        client.head_bucket(Bucket=bucket)
        print(f"bucket '{bucket}' is there")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=bucket)
        print(f"bucket '{bucket}' made")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
