"""dvc.lock cut, mutated or of other bytes: read as it is, or laid aside; never lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from leanvlm.pipeline import dvc_lock
from tests.checkouts import ROOT
from tests.faults import refusal
from tests.faults.test_params import BOMBS, mutated

TRIES = 150


@pytest.fixture(scope="module")
def small() -> dict[str, object]:
    """Two stages of our own lock."""
    tree = YAML(typ="safe").load(ROOT / "dvc.lock")
    return {**tree, "stages": dict(list(tree["stages"].items())[:2])}


def is_kept(content: bytes) -> bool:
    """Repair a lock of this content; say whether it stayed where it was."""
    dvc_lock.LOCK.write_bytes(content)
    assert refusal(dvc_lock.repair_lock) is None
    assert (dvc_lock.LOCK if dvc_lock.LOCK.exists() else dvc_lock.KEPT).read_bytes() == content
    return dvc_lock.LOCK.exists()


def test_it_stays_or_is_laid_aside(
    rng: random.Random, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    is_kept(mutated(small, rng))


def test_what_is_no_lock_is_laid_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not any(is_kept(content) for content in (*BOMBS[3:], b"[]", b"3", b"\xff" * 9))
    assert is_kept((ROOT / "dvc.lock").read_bytes())
