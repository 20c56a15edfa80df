"""Questions out of lmms-eval's log, where somebody has put the pictures back: the log itself never holds any.

Source:  github.com/EvolvingLMMs-Lab/lmms-eval, lmms_eval/loggers/evaluation_tracker.py, save_results_samples (read, not
         copied): a line has doc_id, target and input, the prompt; `doc` is dropped, or
         kept without what shows a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leanvlm import targets
from leanvlm.rows.cells import refuse

MARKS = {"doc_id", "target"}  # what every line of a log has
KEPT = ("options", "rule", "group", "kind", "max_new_tokens")


def is_logged(row: Mapping[str, Any]) -> bool:
    """Say whether a row is a line of lmms-eval's log."""
    return row.keys() >= MARKS


def asked(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return what was asked as a row of your own, with the pictures that stand beside it as `image` or `images`.

    Raises: InputError, beginning with `place`, where there are none, or the target is no right answer.
    """
    doc = row["doc"] if isinstance(row.get("doc"), dict) else {}
    images = next((held[key] for held in (row, doc) for key in ("images", "image") if held.get(key) is not None), None)
    if images is None:
        refuse(place, "is a line of lmms-eval's log, which leaves pictures out; add `image` to each line, the name of "
                      "a file beside this one")  # fmt: skip
    return {
        **{key: row[key] for key in KEPT if key in row},
        "sample_id": row["doc_id"],
        "question": row["input"] if isinstance(row.get("input"), str) else doc.get("question"),
        "answers": targets.read(row["target"], place=place),
        "images": images,
    }
