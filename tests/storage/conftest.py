from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from leanvlm.params.machines import ObjectStore
from leanvlm.storage._client import client
from leanvlm.storage.bucket import Bucket
from leanvlm.storage.chosen import chosen
from tests.storage.server import credentials, running


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of an object store."""
    with running() as url:
        yield url


@pytest.fixture(autouse=True)
def _credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and none of this machine's; a folder of the test's own to bring things to."""
    for name, value in credentials(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _other_credentials(bucket: Bucket) -> Iterator[None]:
    """For a test that changes them: a process makes its client once."""
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def block(server: str) -> ObjectStore:
    """A new bucket, as params.yaml names it."""
    name = f"b-{uuid4().hex}"
    client(server, "us-east-1").create_bucket(Bucket=name)
    return ObjectStore(url=f"s3://{name}/runs/mine", endpoint=server)


@pytest.fixture
def bucket(block: ObjectStore) -> Bucket:
    found = chosen(block)
    assert isinstance(found, Bucket)
    return found
