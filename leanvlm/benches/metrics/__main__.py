"""How long ten million predictions take to become metrics: `make bench-metrics`.

Two models, fifty recipes and ten benchmarks of ten thousand samples, drawn by SQL from a seed; over a million distinct
answers. Every query of leanvlm/metrics and each grading rule on two threads and 4 GB; then ours, pandas and polars from
one Parquet file to the numbers of the paper, each in a process of its own.
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
from statistics import median
from typing import Any

from leanvlm import store
from leanvlm.benches import _figures
from leanvlm.benches.metrics import grading, ours, with_pandas, with_polars
from leanvlm.benches.metrics.ours import MEMORY, SHARED, SMALL, SPELT, THREADS
from leanvlm.errors import exit_on_error
from leanvlm.metrics import tally

DRAWN = Path(__file__).with_name("queries.sql")
SIDES = {"ours": ours.measured, "pandas": with_pandas.measured, "polars": with_polars.measured}
SAMPLES, RESAMPLES, ROUNDS = 10_000, 200, 3


def main(*, samples: int = SAMPLES, rounds: int = ROUNDS) -> None:
    """Print a line a metric and their sum, then the three sides in turn, `rounds` times; keep all as JSON."""
    with opened() as (connection, folder):
        found: dict[str, Any] = {"load": os.getloadavg()[0]} | drawn(connection, samples)
        start = time.process_time()
        seconds = measured(connection)
        found |= {"cpu_seconds": time.process_time() - start, "peak_mib": peak_mib()}
        found["total_seconds"] = sum(seconds.values()) - seconds[SPELT]
        graded = grading.measured(connection, n=samples * 10)
        export(connection, folder)
        sides = [{name: alone(measure, folder) for name, measure in SIDES.items()} for _ in range(rounds)]
    for line in (*told(seconds, found), *beside(sides), *by_rule(graded)):
        print(line)
    rows = [{"metric": name, "seconds": taken} for name, taken in seconds.items()]
    settings = {"threads": THREADS, "memory": MEMORY, "resamples": RESAMPLES}
    _figures.write("metrics", rows, **settings, **found, sides=sides, grading=graded)


@contextmanager
def opened() -> Iterator[tuple[store.Connection, Path]]:
    """Open an empty store on disk with the limits of the bench, and its folder."""
    with tempfile.TemporaryDirectory() as name, ours.connected(f"{name}/bench.duckdb") as connection:
        yield connection, Path(name)


def drawn(connection: store.Connection, samples: int) -> dict[str, int]:
    """Draw the tables; say how much there is."""
    for name, number in (("n_samples", samples), ("seed", 0)):
        connection.execute(f"set variable {name} = {number:d}")
    tally.prepare(connection, resamples=RESAMPLES, seed=0)
    for path in (DRAWN, ours.VIEWS):
        connection.execute(path.read_text(encoding="utf-8"))
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


def export(connection: store.Connection, folder: Path) -> None:
    """Write what the three read: answers in one spelling, and what each recipe gains (ours: the timings)."""
    connection.execute(
        "copy (select predictions.* exclude (answer), normalised_answer as answer"
        f" from predictions inner join {SPELT} using (answer)) to '{folder}/predictions.parquet'"
    )
    connection.execute(
        f"copy (select distinct model, recipe, cost, gain from is_on_pareto_front) to '{folder}/gains.parquet'"
    )
    for name in SMALL:
        connection.execute(f"copy {name} to '{folder}/{name}.parquet'")


def alone(measure: Callable[..., dict[str, float]], folder: Path) -> dict[str, float]:
    """Let a process of its own compute the numbers; return its seconds and memory."""
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


def beside(sides: list[dict[str, dict[str, float]]]) -> Iterator[str]:
    """Yield the lines on the three sides: medians over the rounds, and ratios within each round."""
    yield f"{', '.join(SHARED)} from one Parquet file, {len(sides)} rounds:"
    ours = [whole(one["ours"]) for one in sides]
    for name in SIDES:
        one = {key: median(found[name][key] for found in sides) for key in sides[0][name]}
        ratios = sorted(mine / whole(found[name]) for mine, found in zip(ours, sides, strict=True))
        yield f"{name:<28}{whole(one):>8.2f} s, {one['read']:.2f} of them to read it; at most {one['peak_mib']:.0f} MiB"
        if name != "ours":
            yield f"  ours / {name} {_figures.span(ratios[0], median(ratios), ratios[-1])}"


def whole(side: dict[str, float]) -> float:
    """Return the seconds from the file to the numbers."""
    return side["read"] + side["computed"]


def by_rule(graded: dict[str, float]) -> Iterator[str]:
    """Yield the lines on grading."""
    yield "grading a million distinct answers:"
    yield from (f"{rule:<28}{taken:>8.2f} s" for rule, taken in graded.items())


if __name__ == "__main__":
    exit_on_error(main)
