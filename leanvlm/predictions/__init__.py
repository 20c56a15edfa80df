"""Predictions that another harness made, so that it gets OP, OG, OL and their intervals too.

A folder holds Parquet files, lmms-eval's samples, or both. Parquet: every `*.parquet` below the folder, with the
columns

    model, recipe, benchmark, sample_id   text; together they name a row
    answer                                text: what the model said
    answers, rule                         list of text, text: the right answers and a rule of leanvlm/grading, or
    grade                                 0 to 1: what the answer is worth
    options                               list of text, optional: what could be chosen, in order: A, B, ...
    new_tokens                            whole number, optional: how long the answer is tells what a cache can change
    log_probability                       0 at most, optional, beside new_tokens: of the answer, for its calibration
    kind                                  text, optional: what the question asks for
    group_id                              text, optional: samples of one picture, which the bootstrap draws as one

and others, which are not read. lmms-eval: what `--log_samples --output_path FOLDER/RECIPE` writes, that is
`FOLDER/RECIPE/MODEL/DATE_samples_TASK.jsonl` (or `samples_TASK_DATE.jsonl`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from leanvlm.errors import InputError
from leanvlm.predictions import from_lmms_eval, from_parquet, places
from leanvlm.predictions.columns import SCHEMA


def read(folder: Path, *, model: str | None = None, grades: Mapping[str, str] | None = None) -> pa.Table:
    """Read every prediction below a folder.

    Takes: model, the name of the model of all of lmms-eval's files, else their folder's; grades, by benchmark the
        metric of lmms-eval that is the grade, or a rule of leanvlm/grading.

    Raises: InputError naming the file and line that is wrong.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder; name one with predictions (`leanvlm score --help` says in which form)"
        )
    places.refuse_packed(folder)
    parquet, samples = places.found(folder, "*.parquet"), places.found(folder, "*samples_*.jsonl")
    if not parquet and not samples:
        raise InputError(f"{folder} holds no *.parquet and no *_samples_TASK.jsonl; `leanvlm score --help` says which")
    tables = [from_parquet.read(path) for path in parquet]
    tables += from_lmms_eval.read(folder, samples, model=model, grades=grades or {})
    found = pa.concat_tables([SCHEMA.empty_table(), *tables])
    if not len(found):
        raise InputError(f"the files below {folder} hold no prediction")
    return found
