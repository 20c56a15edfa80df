"""The one client of an object store that a process has, and how long it waits."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from leanvlm.endpoints import is_loopback

ATTEMPTS = 3  # of a request that got no answer, or one that says "later"
CONNECT_SECONDS, READ_SECONDS = 5, 30
AT_ONCE = 10  # connections: the parts of a large file travel side by side


@cache
def client(endpoint: str, region: str) -> Any:
    """Return the client; it may be used by several threads.

    Credentials are looked for where AWS's own tools look: in the environment, in ~/.aws, on the machine. Nothing on
    this machine is asked through a proxy.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=AT_ONCE,
        proxies={} if is_loopback(endpoint) else None,
        s3={"addressing_style": "path"} if endpoint else None,  # bucket.127.0.0.1 is no host
    )
    return boto3.session.Session().client("s3", endpoint_url=endpoint or None, region_name=region, config=config)


def arrow(endpoint: str, region: str) -> Any:
    """Return pyarrow's file system of the same server, with the client's credentials and patience."""
    import boto3
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    found = boto3.session.Session().get_credentials()
    parts = urlsplit(endpoint or "https:")
    return S3FileSystem(
        access_key=found and found.access_key,
        secret_key=found and found.secret_key,
        session_token=found and found.token,
        endpoint_override=parts.netloc or None,
        scheme=parts.scheme,
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=READ_SECONDS,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
