"""A small checkout with a file of every kind that a run writes or reads as text, and what reads each of them next.

Tables, cells, stores' bytes, checkpoints, predictions and features have files of their own in this folder or their own
tests; here is what else lies in a checkout, called as the command line calls it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from dataclasses import asdict, dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import torch

from flows import history
from leanvlm import files, hashes
from leanvlm.commands import cli
from leanvlm.docs import results
from leanvlm.judging import _cache
from leanvlm.methods.weights import _entrances
from leanvlm.methods.weights._entrances import Entering, Entrance
from leanvlm.params import load
from leanvlm.pipeline import plan, reproduce
from leanvlm.report import summary
from tests import checkouts
from tests.report.synthetic_grid import Grid, build

CHECKPOINT = files.checkpoint("embedded", "weights-wanda-50")
COSTS = files.costs("embedded", "weights-wanda-50")
HISTORY = Path(".dvc/tmp/prefect.db")
REPLY = files.JUDGEMENTS / "ab/abcd.json"
LAYER = {"n_weights": 256, "nonzero_share": 0.5, "bits_per_weight": 8.0, "stored_bytes": 512, "budget": 0.5}
AUDIT = {"weights_bytes": 512, "full_weights_bytes": 1024, "parts": [{"achieved_budget": 0.5}],
         "layers": {"layers.0.q_proj": LAYER}}  # fmt: skip
COST = {"calibration_samples": 4, "seconds": 2.5, "peak_bytes": 10**9}
RATE = {"a sweep": 0.25}


@dataclass(frozen=True)
class Kind:
    """One kind of file, what reads it next, and who else compares it, so that another number in it is told."""

    path: Path
    read: Callable[[], object]
    compared_by: str = ""

    @property
    def reader(self) -> str:
        """Name what reads it."""
        return self.read.__name__.strip("_")


def write(root: Path, model: Path) -> None:
    """Lay out the checkout."""
    checkouts.make(root, model)
    shutil.copy(checkouts.ROOT / "dvc.lock", root)
    for path, value in ((CHECKPOINT / files.AUDIT, AUDIT), (COSTS, COST), (files.RATES, RATE)):
        files.write(json.dumps(value, indent=2) + "\n", root / path)
    _cache.keep(_cache.Reply("score: 1", 100, 5, 0.01, 1), root / REPLY)
    prompt = {"hidden_states": torch.arange(6.0).reshape(1, 2, 3)}
    entered = Entering(torch.tensor([True, False]), torch.tensor([7]), [Entrance(torch.ones(1, 2, 3), prompt)])
    (root / files.ENTRANCES / "embedded").mkdir(parents=True)
    _entrances.save([entered], root / files.ENTRANCES / "embedded")
    with duckdb.connect(str(build(root / files.STORE, Grid())), read_only=True) as store:
        files.write(summary.dumps(summary.summarise(store)), root / files.SUMMARY)
    (root / HISTORY).parent.mkdir()
    with closing(sqlite3.connect(root / HISTORY)) as runs:
        runs.execute("create table runs (id int)")
    write_what_reading_removes(root)


def write_what_reading_removes(root: Path) -> None:
    """Lay out the list of running commands, which a run deletes where it names none."""
    (root / ".dvc/tmp/rwlock").write_text('{"read": {}}')


def _ready() -> object:
    """Do what `make repro` does before DVC."""
    with reproduce.ready():
        return load(files.PARAMS), files.LAID.read_text(), files.NEEDED.read_text()


def _profile() -> object:
    return load(files.PARAMS, profile="all")


def _planned() -> object:
    """Read settings as every command does that reads them."""
    return load(files.PARAMS)


def _audit() -> object:
    import_module("stages.audit").main()
    return [pq.read_table(files.table(name)).to_pylist() for name in ("audits", "costs")]


def _entrance() -> object:
    return [repr(asdict(one)) for one in _entrances.load(files.ENTRANCES / "embedded")]


def _scored() -> object:
    printed = StringIO()
    with redirect_stdout(printed):
        cli.call(["score", "--format", "csv"])
        cli.call(["sql", "select * from cells order by all", "--format", "csv"])
    return printed.getvalue()


def _ablation() -> object:
    return import_module("stages.report")._stored(files.ABLATION, "make ablate")


def _decoder() -> object:
    return import_module("stages.report")._stored(files.DECODER, "make bench-decoder")


def _sinks() -> object:
    return import_module("stages.report")._stored(files.SINKS, "make bench-sinks")


def _reply() -> object:
    return _cache.find(REPLY)


def _summary() -> object:
    return results.table(results.read(files.SUMMARY))


def _history() -> object:
    if said := history.lay_aside_damaged(HISTORY.parent):
        print(said)
    return None


def _remembered() -> object:
    hashes.file_hash.cache_clear()
    return hashes._remembered(files.PARAMS)


KINDS = (
    Kind(files.PARAMS, _ready, compared_by="DVC"),
    Kind(files.PROFILES / "all.yaml", _profile, compared_by="DVC"),
    Kind(files.LAID, _planned),
    Kind(files.LAID, _ready),
    Kind(files.NEEDED, _ready),
    Kind(Path("dvc.yaml"), _ready),
    Kind(Path(".dvc/config"), _ready),
    Kind(Path("dvc.lock"), _ready),
    Kind(Path(".dvc/tmp/rwlock"), _ready),
    Kind(Path(".dvc/tmp/leanvlm.params"), _ready),
    Kind(Path(".dvc/tmp/leanvlm.run"), _ready),
    Kind(files.HASHES, _remembered),
    Kind(files.RATES, plan._known, compared_by="nobody: an estimate"),
    Kind(CHECKPOINT / files.AUDIT, _audit, compared_by="DVC"),
    Kind(COSTS, _audit, compared_by="DVC"),
    Kind(files.ENTRANCES / "embedded" / _entrances.LAID, _entrance, compared_by="DVC"),
    Kind(files.ENTRANCES / "embedded" / _entrances.TENSORS, _entrance, compared_by="DVC"),
    Kind(REPLY, _reply),
    Kind(files.STORE, _scored),
    Kind(files.SUMMARY, _summary, compared_by="DVC"),
    Kind(files.ABLATION, _ablation, compared_by="git"),
    Kind(files.DECODER, _decoder, compared_by="git"),
    Kind(files.SINKS, _sinks, compared_by="git"),
    Kind(HISTORY, _history),
)
