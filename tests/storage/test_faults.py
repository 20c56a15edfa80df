"""What is wrong with a bucket is one sentence, which says what to do and nothing that is secret."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from leanvlm.errors import InputError, RunError
from leanvlm.params.machines import ObjectStore
from leanvlm.storage.bucket import Bucket
from leanvlm.storage.chosen import chosen
from tests.judging.endpoint import serving

READS_ONLY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:List*"], "Resource": "*"}]}
NOBODY = "http://127.0.0.1:9"


@contextmanager
def asking_who(server: str) -> Iterator[None]:
    """Let the server look at who asks, which it does not do unless told to."""

    def after(n: int) -> None:
        request = urllib.request.Request(
            f"{server}/moto-api/reset-auth", str(n).encode(), {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request).close()

    after(0)
    try:
        yield
    finally:
        after(10**9)


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(InputError, match=r"has no bucket for s3://b-none/.*correct storage\.url in params\.yaml$"):
        replace(bucket, bucket="b-none").entries()


def test_a_thing_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(InputError, match=r"^s3://.*/none does not exist"), bucket.reading("none"):
        pass


@pytest.mark.usefixtures("_other_credentials")
def test_no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InputError, match=r"^there are no credentials for .*; set AWS_ACCESS_KEY_ID and"):
        bucket.entries()


@pytest.mark.usefixtures("_other_credentials")
def test_a_profile_that_is_not_there(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "none")
    with pytest.raises(InputError, match=r"^AWS_PROFILE names no profile"):
        bucket.entries()


def test_credentials_that_nobody_has(bucket: Bucket) -> None:
    with asking_who(bucket.endpoint), pytest.raises(InputError, match="does not know these credentials") as told:
        bucket.entries()
    assert "somebody" not in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.usefixtures("_other_credentials")
def test_a_put_that_is_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    people = boto3.client("iam", endpoint_url=bucket.endpoint, region_name="us-east-1")
    people.create_user(UserName="reader")
    people.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(READS_ONLY))
    key = people.create_access_key(UserName="reader")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    Path("mine").write_bytes(b"mine")
    with asking_who(bucket.endpoint):
        with pytest.raises(RunError, match=r"refuses access to s3://.*/mine \(403 AccessDenied\); let these cred"):
            bucket.put("mine", Path("mine"))
        assert bucket.entries() == []
    assert Path("mine").read_bytes() == b"mine"


def test_a_server_that_is_not_there_is_not_waited_for(bucket: Bucket) -> None:
    begun = time.monotonic()
    with pytest.raises(RunError, match=rf"^{NOBODY} does not answer; start it, or correct storage\.endpoint"):
        replace(bucket, endpoint=NOBODY).entries()
    assert time.monotonic() - begun < 30


def test_a_server_that_speaks_something_else(bucket: Bucket) -> None:
    with serving() as other, pytest.raises(RunError, match=r"failed at s3://.*\(\d+ .*\); what is stored is kept"):
        replace(bucket, endpoint=other.url).entries()


@pytest.mark.usefixtures("_other_credentials")
def test_this_machine_is_asked_without_a_proxy_and_another_is_not(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://user:password@127.0.0.1:9")
    assert bucket.entries() == []
    with pytest.raises(
        RunError, match=r"^the proxy of the environment does not lead to http://elsewhere\.example"
    ) as told:
        replace(bucket, endpoint="http://elsewhere.example").entries()
    assert "password" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "cells", "inputs"),
    [
        ("s3://bucket", "cells/", "inputs/"),
        ("s3://bucket/", "cells/", "inputs/"),
        ("s3://bucket/a/b", "a/b/cells/", "a/b/inputs/"),
    ],
)
def test_cells_and_what_workers_read_lie_side_by_side(url: str, cells: str, inputs: str) -> None:
    found = chosen(ObjectStore(url=url))
    assert isinstance(found, Bucket)
    assert (found.bucket, found.prefix, found.inputs.prefix) == ("bucket", cells, inputs)
