"""Checkpoint folders whose files are damaged, lost or hold other values: refused, or answered under another key."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from leanvlm import hashes
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import RunError
from leanvlm.models._loading import load_model
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.faults import refusal
from tests.faults.damage import damaged
from tests.models.test_processors import QUESTION, write_checkpoint

TRIES = 150
VALUES = (None, -1, 0, "x", "", [], {}, 1e308, True, 10**9)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint("llava", folder)
    return folder


def spoil(folder: Path, rng: random.Random) -> None:
    """Change one file of a folder."""
    path = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    kind = rng.choice(("damage", "delete", "json", "key", "key"))
    if kind == "delete":
        path.unlink()
    elif kind == "key" and path.suffix == ".json":
        values = json.loads(path.read_text())
        key = rng.choice(sorted(values))
        values[key] = rng.choice([value for value in VALUES if value != values[key]])
        path.write_text(json.dumps(values))
    else:
        content = path.read_bytes()
        path.write_bytes(b"[1, null]" if kind == "json" else damaged(content, rng))


def ask(folder: Path) -> None:
    sample = Sample(sample_id="s", question=QUESTION, images=(Image.new("RGB", (64, 64), "red"),))
    try:
        answers_to(load_model("llava", folder), sample, [parse("controls/full")], limit=2)
    except RunError as error:
        assert "not finite" in str(error)  # noqa: PT017


def test_no_stored_answer_is_taken_for_its_own(rng: random.Random, written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "checkpoint"))
    spoil(folder, rng)
    if refusal(lambda: ask(folder)) is None:
        assert hashes.folder_hash(folder) != hashes.folder_hash(written)
