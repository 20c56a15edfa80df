"""Samples with a field that no sample may have: refused by benchmark and sample, or stored as they are."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from leanvlm.benchmarks._soundness import sound
from leanvlm.pipeline.samples import row
from leanvlm.sample import Sample
from leanvlm.tables import samples
from tests.faults import refusal
from tests.faults.damage import damaged
from tests.test_pictures import SHOWN, saved

TRIES = 200
NUMBERS = (None, 0, -1, 1e-320, 1e308, float("nan"), float("inf"), True, "25", 25)
TEXTS = ("", " ", "x", "\0", "\ud800", "\udcff", "é\u202e", "a\nb", None, 3, b"bytes", ["x"], "x" * 200_000)
LISTS = (
    (),
    ("",),
    ("red", " "),
    (None,),
    ("None",),
    ("['a', 'b']",),
    ("\ud800",),
    ("a\0",),
    ("x",) * 3,
    ["red"],
    "red",
    3,
    (3,),
)
PICTURE = saved(SHOWN["RGB"], "PNG")


def odd(rng: random.Random) -> Sample:
    """Make a sample of which one or two fields are odd."""
    sample = Sample(sample_id="s-1", question="what?", images=(PICTURE,), answers=("red",), rule="exact", group_id="g")
    pictures = ((), (b"",), (PICTURE, b"no picture"), (damaged(PICTURE, rng),), (PICTURE,) * 3)
    rules = ("exact", "anls", "choice", "", "exakt", None, "_text", "../exact")
    pools = {"sample_id": TEXTS, "question": TEXTS, "group_id": TEXTS, "kind": TEXTS, "fps": NUMBERS,
             "answers": LISTS, "images": pictures, "rule": rules}  # fmt: skip
    names = rng.sample(list(pools), rng.randint(1, 2))
    return replace(sample, **{name: rng.choice(pools[name]) for name in names})  # type: ignore[arg-type,type-var]


def test_it_is_refused_or_stored_as_it_is(rng: random.Random, tmp_path: Path) -> None:
    sample, path = odd(rng), tmp_path / "samples.parquet"
    rows: list[dict[str, object]] = []
    said = refusal(lambda: rows.extend(row("b", one, {}) for one in sound("b", [sample])))
    if said is not None:
        assert said.startswith(("b: ", "b has", "sample 's-1'", "sample ")), said
        return
    samples.TABLE.write(rows, path)
    assert samples.TABLE.read(path).to_pylist() == rows
