"""How long ten million predictions take to become metrics: `make bench-metrics`.

Two models, fifty recipes and ten benchmarks of ten thousand samples, drawn by SQL from a seed; over a million distinct
answers. Every query of leanvlm/metrics and each grading rule on two threads and 4 GB, then pandas and polars, both with
numpy, on the numbers of the paper.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

from leanvlm import grading, store
from leanvlm.benches import _figures, metrics_grading, metrics_pandas, metrics_polars
from leanvlm.metrics import tally

DRAWN = Path(__file__).with_suffix(".sql")
RIVALS = {"pandas": metrics_pandas.measured, "polars": metrics_polars.measured}
SAMPLES, THREADS, MEMORY, RESAMPLES = 10_000, 2, "4GB", 200
SPELT = "steps.spellings"  # each distinct answer in one spelling: stored before the metrics are asked for
SHARED = ("overall_performance", "overall_generalization", "overall_loyalty", "flips", "is_on_pareto_front")


def main(*, samples: int = SAMPLES) -> None:
    """Print a line a metric, the sums, and the rivals' time for the numbers that they compute too; keep all as JSON."""
    with opened() as (connection, folder):
        found: dict[str, Any] = {"load": os.getloadavg()[0]} | drawn(connection, samples)
        start = time.process_time()
        seconds = measured(connection)
        found |= {"cpu_seconds": time.process_time() - start, "peak_mib": peak_mib()} | sums(seconds)
        graded = metrics_grading.measured(connection, n=samples * 10)
        export(connection, folder)
        rivals = {name: rival(measure, folder) for name, measure in RIVALS.items()}
    for line in (*told(seconds, found), *beside(rivals, found["shared_seconds"]), *by_rule(graded)):
        print(line)
    rows = [{"metric": name, "seconds": taken} for name, taken in seconds.items()]
    settings = {"threads": THREADS, "memory": MEMORY, "resamples": RESAMPLES}
    _figures.write("metrics", rows, **settings, **found, rivals=rivals, grading=graded)


@contextmanager
def opened() -> Iterator[tuple[store.Connection, Path]]:
    """Open an empty store on disk with the limits of the bench, and its folder."""
    limits: dict[str, Any] = {"threads": THREADS, "memory_limit": MEMORY, "preserve_insertion_order": False}
    with tempfile.TemporaryDirectory() as name, duckdb.connect(f"{name}/bench.duckdb", config=limits) as connection:
        grading.load_macros(connection)
        yield connection, Path(name)


def drawn(connection: store.Connection, samples: int) -> dict[str, int]:
    """Draw the tables; say how much there is."""
    for name, number in (("n_samples", samples), ("seed", 0)):
        connection.execute(f"set variable {name} = {number:d}")
    tally.prepare(connection, resamples=RESAMPLES, seed=0)
    connection.execute(DRAWN.read_text(encoding="utf-8"))
    [(predictions, distinct)] = connection.execute("select count(*), count(distinct answer) from answers").fetchall()
    return {"predictions": predictions, "distinct_answers": distinct}


def measured(connection: store.Connection) -> dict[str, float]:
    """Compute every metric after those that it reads; return the seconds of each."""
    seconds = {}
    for metric in tally.metrics():
        start = time.perf_counter()
        tally.compute(connection, metric)
        seconds[metric.table] = time.perf_counter() - start
    return seconds


def sums(seconds: dict[str, float]) -> dict[str, float]:
    """Add up the seconds: of all metrics, and of those that the rivals compute too."""
    reads = {metric.table: metric.reads for metric in tally.metrics()}
    shared = set(SHARED)
    while more := {read for name in shared for read in reads[name] if read in reads} - shared:
        shared |= more
    total = sum(seconds.values()) - seconds[SPELT]
    return {"total_seconds": total, "shared_seconds": sum(seconds[name] for name in shared - {SPELT})}


def export(connection: store.Connection, folder: Path) -> None:
    """Write what the rivals read: answers in one spelling, and what each recipe gains."""
    connection.execute(
        "copy (select predictions.* exclude (answer), normalised_answer as answer"
        f" from predictions inner join {SPELT} using (answer)) to '{folder}/predictions.parquet'"
    )
    connection.execute(
        f"copy (select distinct model, recipe, cost, gain from is_on_pareto_front) to '{folder}/gains.parquet'"
    )


def rival(measure: Callable[..., dict[str, float]], folder: Path) -> dict[str, float]:
    """Let a process of its own compute the same; return its seconds and memory."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = str(THREADS)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        seconds = pool.submit(measure, folder, resamples=RESAMPLES).result()
        return seconds | {"peak_mib": pool.submit(peak_mib).result()}


def peak_mib() -> float:
    """Return the most memory that this process ever held; getrusage would count its parent's too."""
    [kibibytes] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return float(kibibytes) / 1024


def told(seconds: dict[str, float], found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines on our own time."""
    yield f"{found['predictions']:,} predictions, {found['distinct_answers']:,} distinct answers"
    yield f"{RESAMPLES} replicates, {THREADS} threads, {MEMORY}, load {found['load']:.1f} before the bench"
    yield from (f"{name:<28}{taken:>8.2f} s" for name, taken in seconds.items())
    yield f"all metrics but {SPELT}: {found['total_seconds']:.1f} s"
    yield f"processor time with {SPELT}: {found['cpu_seconds']:.1f} s; at most {found['peak_mib']:.0f} MiB"


def beside(rivals: dict[str, dict[str, float]], shared_seconds: float) -> Iterator[str]:
    """Yield the lines on the rivals."""
    yield f"{', '.join(SHARED)}: {shared_seconds:.1f} s"
    for name, one in rivals.items():
        whole = one["read"] + one["computed"]
        yield f"the same with {name} and numpy: {whole:.1f} s, {one['read']:.1f} of them to read its file;"
        yield f"  at most {one['peak_mib']:.0f} MiB; ours / {name} {shared_seconds / whole:.2f}, ours from its store"


def by_rule(graded: dict[str, float]) -> Iterator[str]:
    """Yield the lines on grading."""
    yield "grading a million distinct answers:"
    yield from (f"{rule:<28}{taken:>8.2f} s" for rule, taken in graded.items())


if __name__ == "__main__":
    main()
