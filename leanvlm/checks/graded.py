"""Which calibration samples are graded too, by what they show: a copy under another name, or saved anew, is found.

A sample is graded if one of its pictures has the pixels of one that a benchmark of the grid shows, whatever is asked of
it; one without pictures, if it asks what a benchmark asks without pictures. A picture that was resized, or saved with
loss, has other pixels and is not found.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from leanvlm import files, pictures
from leanvlm.errors import InputError
from leanvlm.tables import samples

Row = dict[str, Any]
READ = ("benchmark", "sample_id", "turn", "question", "images")


def refuse_graded(rows: Sequence[Row], root: Path, *, benchmarks: Sequence[str]) -> None:
    """Refuse calibration samples of which one is graded.

    Raises: InputError naming it and the benchmark's sample.
    """
    for row in graded(rows, root, benchmarks=benchmarks):
        if row["graded_as"]:
            raise InputError(f"calibration sample {row['sample_id']!r} shows or asks what {row['graded_as']} grades, "
                             "and none may; take it out of its source, or that source out of "
                             "calibration.sources")  # fmt: skip


def graded(rows: Iterable[Row], root: Path, *, benchmarks: Sequence[str]) -> list[Row]:
    """Return a row for each calibration sample: its sample_id, and graded_as, a sample that shows the same, or ''."""
    shapes, contents = set[tuple[int, ...]](), dict[str, set[str]]()
    for row in rows:
        shapes |= {_shape(image) for image in row["images"]}
        contents[row["sample_id"]] = set(_contents(row))
    wanted = set[str]().union(*contents.values())
    found = dict[str, str]()  # the first sample that has a content
    for name, content in _of_samples(root, benchmarks, shapes):
        if content in wanted:
            found.setdefault(content, name)
    return [
        {"sample_id": sample_id, "graded_as": next((found[one] for one in sorted(own) if one in found), "")}
        for sample_id, own in contents.items()
    ]


def _of_samples(root: Path, benchmarks: Sequence[str], shapes: set[tuple[int, ...]]) -> Iterator[tuple[str, str]]:
    """Yield every graded sample's name with each of its contents; what has another shape need not be decoded."""
    for benchmark in benchmarks:
        for row in samples.TABLE.stream(root / files.samples(benchmark), columns=READ):
            if row["turn"] > 1:  # shows what its first turn shows, and asks nothing without it
                continue
            near = {"question": row["question"], "images": [one for one in row["images"] if _shape(one) in shapes]}
            if near["images"] or not row["images"]:
                yield from ((f"{benchmark} {row['sample_id']}", content) for content in _contents(near))


def _contents(row: Row) -> Iterator[str]:
    if not row["images"]:
        yield _hash(" ".join(row["question"].split()).casefold().encode())
    for image in row["images"]:
        shown = pictures.shown(pictures.decoded(image))
        yield _hash(f"{shown.size}".encode() + shown.tobytes())


def _shape(image: bytes) -> tuple[int, ...]:
    """Read width and height of the header, in no order, since a photo can be stored on its side."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit of pictures.py is our own
            return tuple(sorted(Image.open(io.BytesIO(image), formats=pictures.FORMATS).size))
    except Exception as error:  # Pillow's readers raise whatever a damaged file trips
        raise InputError(
            f"a picture of data/ is none ({type(error).__name__}); run `make repro` to write it anew"
        ) from None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
