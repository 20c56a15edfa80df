"""The numbers that EffiVLM-Bench printed, recomputed from the scores that it printed.

Source:  EffiVLM-Bench, arXiv 2506.00479, by the tables of its project page, which each data file here names:
         token_pruning.json and weights.json (scores), printed.csv (OP, OG, OL).
Departs: OL needs the answers, which are not published; the scores behind the cache methods' OG, and all of OE, are
         drawn in figures only. None of these can be recomputed.
Checked: tests/paper/test_paper.py, every cell against plain Python.

The formulas are those of our own grid: the scores stand in for the metric `accuracy`, and the other metrics follow.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
from pyarrow import csv

from leanvlm import files, store
from leanvlm.metrics import tally
from leanvlm.paper.entry import Score
from leanvlm.paper.scores import read

ROOT = Path(__file__).parent
TABLES = ("token_pruning", "weights")
AS_ACCURACY = """insert into steps.accuracy by name
select model, recipe, benchmark, 0 as replicate, 1 as n_samples, score as mean_grade from scores"""


def compare(root: Path = ROOT) -> pa.Table:
    """Put each printed number beside what the scores give; `is_as_documented` says whether it is as it was.

    Raises: InputError where a table of scores is wrong.
    """
    found = [recompute(read(root / f"{name}.json")) for name in TABLES]
    labelled = [
        table.append_column("scores", pa.array([name] * len(table), pa.string()))
        for name, table in zip(TABLES, found, strict=True)
    ]
    with duckdb.connect() as connection:
        store.add(connection, "printed", _printed(root / "printed.csv"))
        store.add(connection, "recomputed", pa.concat_tables(labelled))
        compared: pa.Table = connection.sql(_sql("compared")).to_arrow_table()
    return compared


def recompute(scores: list[Score]) -> pa.Table:
    """Compute OP of every model, and OG over the models, of every method and budget."""
    rows = [{**score._asdict(), "recipe": score.recipe, "place": i} for i, score in enumerate(scores)]
    with TemporaryDirectory() as folder, _empty_grid(Path(folder)) as connection:
        store.add(connection, "scores", pa.Table.from_pylist(rows))
        tally.prepare(connection, resamples=0, seed=0)
        for metric in tally.metrics():
            tally.compute(connection, metric)
            if metric.table == "steps.accuracy":
                connection.execute(AS_ACCURACY)
        recomputed: pa.Table = connection.sql(_sql("recomputed")).to_arrow_table()
    return recomputed


def _empty_grid(root: Path) -> store.Connection:
    for table in store.TABLES:
        table.write([], root / files.table(table.name))
    return store.connect(root, benchmarks=[])


def _printed(path: Path) -> pa.Table:
    """Read what is printed as text, since 0.70 and 0.7 are not printed alike; null is OG's model."""
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    as_text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    table = csv.read_csv(path, convert_options=as_text)
    return table.append_column("place", pa.array(range(len(table))))


def _sql(name: str) -> str:
    return (ROOT / f"{name}.sql").read_text(encoding="utf-8")
