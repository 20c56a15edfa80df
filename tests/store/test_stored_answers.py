"""Stored answers of another version are read as far as they go."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from leanvlm.storage.folder import Folder
from leanvlm.store.stored_answers import stored_answers
from leanvlm.tables import answers
from tests import grid


def test_a_cell_from_before_log_probabilities_has_none(tmp_path: Path) -> None:
    rows = [grid._answer("controls/full", grid._sample("short", index)) for index in range(2)]
    old, new = (tmp_path / f"m/r/short-{key}.parquet" for key in ("0" * 16, "1" * 16))
    for path in (old, new):
        answers.TABLE.write(rows, path)
    pq.write_table(pq.read_table(old).drop_columns(["log_probability"]), old)
    with stored_answers(Folder(tmp_path)).connect(config={}) as connection:
        found = connection.sql("select log_probability from stored_answers order by cell_key").fetchall()
    assert found == [(None,)] * 2 + [(-0.5,)] * 2
