"""The block `storage:` of params.yaml: it may be null, holds no secret, and a slip is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from leanvlm.errors import InputError
from leanvlm.params import read
from leanvlm.params.machines import ObjectStore
from tests.checkouts import ROOT

BLOCK = {"url": "s3://bucket/prefix", "endpoint": "http://127.0.0.1:5555", "region": "eu-west-1"}


def written(folder: Path, block: Any) -> Path:
    values = YAML(typ="safe").load((ROOT / "params.yaml").read_text()) | {"storage": block}
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(values, file)
    return folder / "params.yaml"


def test_it_may_be_null_and_has_defaults(tmp_path: Path) -> None:
    assert read(written(tmp_path, None)).storage is None
    assert read(written(tmp_path, BLOCK)).storage == ObjectStore(**BLOCK)
    assert read(written(tmp_path, {"url": "s3://bucket"})).storage == ObjectStore("s3://bucket", "", "us-east-1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "bucket/prefix"}, "storage.url is .* it must be s3://bucket"),
        ({"url": "s3://key:secret@bucket"}, "storage.url"),
        ({"url": "s3://bucket/../other"}, "storage.url"),
        ({"url": "s3://Bucket"}, "storage.url"),
        ({"url": "s3://bucket//prefix"}, "storage.url"),
        ({"url": "https://bucket"}, "storage.url"),
        ({"endpoint": "http://key:secret@127.0.0.1"}, "storage.endpoint is .* no user or query in it"),
        ({"endpoint": "127.0.0.1:5555"}, "storage.endpoint"),
        ({"region": "us east"}, "storage.region is .* such as us-east-1"),
        ({"secret_key": "x"}, "storage has no key 'secret_key'"),
    ],
)
def test_a_slip_is_one_sentence(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"^params\.yaml\.?.*{said}") as told:
        read(written(tmp_path, BLOCK | change))
    assert "\n" not in str(told.value)
