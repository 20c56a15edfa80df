"""A calibration sample that is graded is found by what it shows, however it was saved, and no other one is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leanvlm import files, pictures
from leanvlm.checks.graded import graded, refuse_graded
from leanvlm.errors import InputError
from leanvlm.tables import samples
from tests.grid import UNPUBLISHED

GRADED = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8))
BENCHMARKS = ("seen", "read", "empty")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def on_its_side() -> bytes:
    """The graded picture as a camera stores it: turned, with a note to turn it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(GRADED.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A grid that grades a picture, the second of its sample, and a question without pictures."""
    other = pictures.png(Image.new("RGB", (20, 12), "red"))
    asked: dict[str, tuple[str, list[bytes]]] = {
        "seen": ("what?", [other, pictures.png(GRADED)]),
        "read": ("who am i?", []),
    }
    for name, (question, images) in asked.items():
        row = {"benchmark": name, "sample_id": "7", "group_id": "7", "kind": "k", "question": question}
        row |= {"answers": ["x"], "rule": "exact", "images": images, "fps": None, "difficulty": "{}"} | UNPUBLISHED
        later = row | {"sample_id": "8", "turn": 2, "question": f"and {question}", "images": []}
        samples.TABLE.write([row, later], tmp_path / files.samples(name))
    samples.TABLE.write([], tmp_path / files.samples("empty"), metadata={samples.MISSING: "not here"})
    return tmp_path


@pytest.mark.parametrize(
    ("question", "images", "found"),
    [
        ("another question?", [pictures.png(GRADED)], "seen 7"),
        ("what?", [encoded(GRADED, "BMP")], "seen 7"),
        ("what?", [encoded(GRADED, "WEBP", lossless=True)], "seen 7"),
        ("what?", [encoded(GRADED.convert("RGBA"), "PNG")], "seen 7"),
        ("what?", [on_its_side()], "seen 7"),
        ("what?", [pictures.png(Image.new("RGB", (5, 5))), pictures.png(GRADED)], "seen 7"),
        ("Who  am I? ", [], "read 7"),
        ("what?", [], ""),
        ("and who am i?", [], ""),  # a later turn, which means nothing alone
        ("who am i?", [pictures.png(Image.new("RGB", (20, 12)))], ""),
        ("what?", [pictures.png(GRADED.transpose(Image.Transpose.ROTATE_90))], ""),
    ],
)
def test_what_it_shows_is_compared(question: str, images: list[bytes], found: str, root: Path) -> None:
    row = {"sample_id": "own-1", "question": question, "images": images}
    assert graded([row], root, benchmarks=BENCHMARKS) == [{"sample_id": "own-1", "graded_as": found}]
    if found:
        with pytest.raises(InputError, match=rf"'own-1' shows or asks what {found} grades, and none may"):
            refuse_graded([row], root, benchmarks=BENCHMARKS)


def test_a_picture_that_is_none_is_a_sentence(root: Path) -> None:
    with pytest.raises(InputError, match="a picture of data/ is none"):
        graded([{"sample_id": "own-1", "question": "what?", "images": [b"no picture"]}], root, benchmarks=BENCHMARKS)
