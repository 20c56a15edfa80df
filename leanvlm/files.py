"""Where everything lies, and the one way to write it: whole, or not at all.

Paths are relative to the root of a checkout. No other module spells one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

import psutil

from leanvlm import disk
from leanvlm.errors import InputError, LeanvlmError, RunError

PARAMS = Path("params.yaml")
PROFILES = Path("profiles")
SHAPES = PROFILES / "shapes"  # of models, without weights
ARTIFACTS = Path("artifacts")
CALIBRATION = Path("data/calibration.parquet")
EMBEDDED = ARTIFACTS / "models/embedded"
TRAINING = ARTIFACTS / "training"
CHECKPOINTS = ARTIFACTS / "checkpoints"
AUDIT = "audit.json"  # in the folder of a checkpoint that was made
NOT_MADE = "refusal.json"  # in the folder of one that a model does not allow
ENTRANCES = ARTIFACTS / "entrances"
COSTS = ARTIFACTS / "costs"
SOURCES = ARTIFACTS / "sources"
ROWS = ARTIFACTS / "calibration_files.json"  # hashes of files that calibration.sources names, pictures too
BENCHMARK_FILES = ARTIFACTS / "benchmark_files.json"  # hashes of files that benchmarks of the grid read
RATES = ARTIFACTS / "rates.json"  # seconds a sample of sweeps that were tried, for `leanvlm plan`
HASHES = Path(".dvc/tmp/leanvlm.hashes")  # of large files, remembered by size and time
LAID = ARTIFACTS / "profile.yaml"  # what a profile lays over params.yaml in this run
RUNS = Path("runs")  # what each run of the Prefect UI laid over params.yaml
NEEDED = ARTIFACTS / "checkpoints.yaml"  # which checkpoints the recipes of params.yaml need
CELLS = ARTIFACTS / "pool"
JUDGEMENTS = ARTIFACTS / "judgements_pool"  # replies of judges, which were paid for
BROUGHT = ARTIFACTS / "brought"  # samples and checkpoints that a worker brought from a bucket, by their hash
FEATURES = ARTIFACTS / "features"  # what vision passes made, while the answers of several checkpoints are on their way
CHECKS = ARTIFACTS / "checks.json"
DATA_DOCS = ARTIFACTS / "data_docs"
METRICS = ARTIFACTS / "metrics"
STORE = ARTIFACTS / "leanvlm.duckdb"
ABLATION = ARTIFACTS / "ablation.json"
REPORT = ARTIFACTS / "report/index.html"
SUMMARY = ARTIFACTS / "summary.json"
SCORES = ARTIFACTS / "scores"
PLOTS = ARTIFACTS / "plots"
BENCH = ARTIFACTS / "bench"
DECODER, SINKS = BENCH / "decoder.json", BENCH / "sinks.json"  # kept in git: the report shows them

LOG = ".wal"  # what DuckDB adds to a file's name for changes that are not in it yet
HOST = re.sub(r"[^A-Za-z0-9-]+", "-", platform.node())  # in the names of what is being written: folders are shared
MOST_BYTES = 500_000_000  # of a file that is read whole


def table(name: str) -> Path:
    """Say where a table of the grid lies; the samples have a file a benchmark."""
    return CALIBRATION if name == "calibration" else ARTIFACTS / f"{name}.parquet"


def samples(benchmark: str) -> Path:
    """Say where a benchmark's samples lie."""
    return Path(f"data/samples/{slug(benchmark)}.parquet")


def slug(benchmark: str) -> str:
    """Name files after a benchmark: as it is called, but for local:PATH, whose digest tells like paths apart."""
    if re.fullmatch(r"[\w.-]+", benchmark, re.ASCII):
        return benchmark
    plain = re.sub(r"[^a-z0-9_]+", "-", benchmark.lower()).strip("-")
    return f"{plain[:60]}-{hashlib.sha256(benchmark.encode()).hexdigest()[:8]}"


def checkpoint(model: str, slug: str) -> Path:
    """Say where a compressed checkpoint lies, given the slug of its recipe."""
    return CHECKPOINTS / model / slug


def source(model: str) -> Path:
    """Say where it is noted which files a model's own checkpoint is."""
    return SOURCES / f"{model}.json"


def entrances(model: str) -> Path:
    """Say where it lies what enters a model's decoder of each calibration sample."""
    return ENTRANCES / model


def costs(model: str, slug: str) -> Path:
    """Say where the seconds and bytes lie that making a compressed checkpoint took."""
    return COSTS / model / f"{slug}.json"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name for a file or folder to write, which takes the place of `path` when all is written and not before.

    Raises: RunError where the disk is full or read-only; what lay there before lies there still.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}@{HOST}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        remove(part)
        yield part
        if path.is_dir():
            shutil.rmtree(path)
        part.replace(path)
    except LeanvlmError:
        raise
    except Exception as error:
        if said := disk.refusal(error, path.parent):
            raise RunError(said) from error
        raise
    finally:
        remove(part)
        remove(part.with_name(f"{part.name}{LOG}"))


def content(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Read a file that has an end.

    Raises: InputError for what is missing, no regular file (a pipe, a device, a folder), or too large; its sentence
    goes on after the file's name.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is not a regular file; name one that is")
        if status.st_size > most_bytes:
            raise InputError(f"has {status.st_size:,} bytes; at most {most_bytes:,} are read")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot be read ({reason}); name a file that can") from None


def write(text: str, path: Path) -> None:
    """Write a text file."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def _remove_abandoned(path: Path) -> None:
    """Delete what a killed process left half written."""
    for part in path.parent.glob(f".{escape(path.name)}.*.part"):
        if is_abandoned(part):
            remove(part)


def is_abandoned(part: Path) -> bool:
    """Tell whether the process that was writing a file or folder, whose number is in the name, is there no more.

    Of a process on another machine, which shares the folder, nobody here can tell.
    """
    pid, _, host = part.name.split(".")[-2].partition("@")
    return host in ("", HOST) and not (pid.isdecimal() and psutil.pid_exists(int(pid)))


def remove(part: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if part.is_dir():
        shutil.rmtree(part)
    elif os.path.lexists(part):  # a read-only folder refuses also to delete what is not there
        part.unlink(missing_ok=True)
