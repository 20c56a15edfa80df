"""Every number of the paper, once more in plain Python, on a random grid: no SQL, no shared code."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from leanvlm import store
from tests.metrics.random_grid import AGGREGATES, MODELS, RECIPES, SAMPLES, SENSITIVE, Rows, random_grid
from tests.metrics.stores import RESAMPLES, computed

FULL = "controls/full"
SPELT = {"Yes.": "yes", "yes": "yes", "no": "no", "the answer is no": "answer is no"}
EXTRACTED = SPELT | {"the answer is no": "no"}
LENGTHS = {n: "1 to 2 tokens" if n <= 2 else "3 to 8 tokens" if n <= 8 else "over 8 tokens" for n in range(1, 12)}
Grid = dict[str, Rows]


@pytest.fixture(scope="module")
def grid() -> Grid:
    return random_grid(7)


@pytest.fixture(scope="module")
def connection(grid: Grid, tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    with computed(tmp_path_factory.mktemp("random"), grid) as opened:
        yield opened


@pytest.fixture(scope="module")
def said(grid: Grid) -> dict[tuple[str, str, str], dict[str, dict[str, Any]]]:
    """Each cell's grades and answers by sample."""
    found: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for grade, answer in zip(grid["grades"], grid["answers"], strict=True):
        found[grade["model"], grade["recipe"], grade["benchmark"]][grade["sample_id"]] = grade | answer
    return found


@pytest.fixture(scope="module")
def graded(said: Any) -> dict[tuple[str, str, str], dict[str, dict[str, Any]]]:
    """The same without samples to which an answer of any recipe has no grade."""
    left_out = {
        (model, benchmark, name)
        for (model, _, benchmark), samples in said.items()
        for name, one in samples.items()
        if one["grade"] is None
    }
    assert {benchmark for _, benchmark, _ in left_out} == set(SAMPLES)
    return {
        (m, r, b): {name: one for name, one in samples.items() if (m, b, name) not in left_out}
        for (m, r, b), samples in said.items()
    }


@pytest.fixture(scope="module")
def kept(graded: Any) -> dict[tuple[str, str, str], float]:
    means = {cell: statistics.fmean(one["grade"] for one in samples.values()) for cell, samples in graded.items()}
    return {(m, r, b): mean / means[m, FULL, b] for (m, r, b), mean in means.items()}


@pytest.mark.parametrize(("scope", "over"), [("all", tuple(SAMPLES)), ("sensitive", SENSITIVE)])
def test_overall_performance(connection: store.Connection, kept: Any, scope: str, over: tuple[str, ...]) -> None:
    rows = connection.sql(
        "select model, recipe, overall_performance, mean_accuracy_kept, median_accuracy_kept, worst_accuracy_kept"
        f" from overall_performance where scope = '{scope}'"
    ).fetchall()
    assert len(rows) == len(MODELS) * len(RECIPES)
    for model, recipe, *found in rows:
        ratios = [kept[model, recipe, benchmark] for benchmark in over]
        wanted = [_rms(ratios), statistics.fmean(ratios), statistics.median(ratios), min(ratios)]
        assert np.allclose(found, wanted, rtol=0, atol=1e-8)


def _rms(ratios: list[float]) -> float:
    return math.sqrt(statistics.fmean(ratio * ratio for ratio in ratios))


@pytest.mark.parametrize(("scope", "over"), [("all", tuple(SAMPLES)), ("sensitive", SENSITIVE)])
def test_overall_generalization(connection: store.Connection, kept: Any, scope: str, over: tuple[str, ...]) -> None:
    rows = connection.sql(
        f"select recipe, overall_generalization from overall_generalization where scope = '{scope}'"
    ).fetchall()
    for recipe, found in rows:
        means = [statistics.fmean(kept[model, recipe, benchmark] for model in MODELS) for benchmark in over]
        assert math.isclose(found, 100 * statistics.pstdev(means) / statistics.fmean(means), rel_tol=0, abs_tol=1e-6)
    assert len(rows) == len(RECIPES)


@pytest.mark.parametrize(
    ("rule", "spelt"), [("raw", {}), ("normalised", SPELT), ("extracted", EXTRACTED)], ids=["raw", "spelt", "extracted"]
)
@pytest.mark.parametrize(("scope", "over"), [("all", tuple(SAMPLES)), ("sensitive", SENSITIVE)])
def test_loyalty(
    connection: store.Connection, said: Any, rule: str, spelt: dict[str, str], scope: str, over: tuple[str, ...]
) -> None:
    rows = connection.sql(
        "select model, recipe, loyalty_by_rule, micro from loyalty_by_rule"
        f" where matching_rule = '{rule}' and scope = '{scope}'"
    ).fetchall()
    assert len(rows) == len(MODELS) * len(RECIPES)
    for model, recipe, macro, micro in rows:
        same = [_same(said, model, recipe, benchmark, spelt) for benchmark in over]
        assert math.isclose(macro, statistics.fmean(statistics.fmean(one) for one in same), abs_tol=1e-8)
        assert math.isclose(micro, statistics.fmean(one for cell in same for one in cell), abs_tol=1e-8)


def _same(said: Any, model: str, recipe: str, benchmark: str, spelt: dict[str, str]) -> list[bool]:
    full = said[model, FULL, benchmark]
    return [
        spelt.get(one["answer"], one["answer"]) == spelt.get(full[name]["answer"], full[name]["answer"])
        for name, one in said[model, recipe, benchmark].items()
    ]


def test_flips(connection: store.Connection, said: Any) -> None:
    wanted: Counter[tuple[Any, ...]] = Counter()
    for (model, recipe, benchmark), samples in said.items():
        same = _same(said, model, recipe, benchmark, SPELT)
        for is_same, (name, one) in zip(same, samples.items(), strict=True):
            outcomes = said[model, FULL, benchmark][name]["outcome"], one["outcome"]
            wanted[model, recipe, benchmark, *outcomes, is_same] += 1
    found = connection.sql("select * exclude (share_of_cell) from flips").fetchall()
    assert {row[:-1]: row[-1] for row in found} == wanted


def test_answers_without_a_grade_are_counted(connection: store.Connection, said: Any, graded: Any) -> None:
    rows = connection.sql("select (model, recipe, benchmark), n_samples, ungraded, n_left_out from ungraded").fetchall()
    wanted = {
        cell: (len(samples), sum(one["grade"] is None for one in samples.values()), len(samples) - len(graded[cell]))
        for cell, samples in said.items()
    }
    assert {cell: tuple(found) for cell, *found in rows} == wanted


def test_accuracy_kept_sliced(connection: store.Connection, graded: Any) -> None:
    rows = connection.sql(
        "select model, recipe, slice, n_samples, accuracy, full_accuracy from accuracy_kept_sliced"
        " where sliced_by = 'answer_length'"
    ).fetchall()
    assert len(rows) == len(MODELS) * len(RECIPES) * len(set(LENGTHS.values()))
    for model, recipe, slice_, n, *found in rows:
        pairs = [
            (one["grade"], graded[model, FULL, benchmark][name]["grade"])
            for benchmark in SAMPLES
            for name, one in graded[model, recipe, benchmark].items()
            if LENGTHS[graded[model, FULL, benchmark][name]["new_tokens"]] == slice_
        ]
        assert n == len(pairs)
        assert np.allclose(found, np.mean(pairs, axis=0), rtol=0, atol=1e-8)


def test_mcnemar_is_the_exact_binomial(connection: store.Connection, graded: Any) -> None:
    rows = connection.sql("select model, recipe, other, n_only_recipe, n_only_other, mcnemar from mcnemar").fetchall()
    assert any(other != FULL for _, _, other, *_ in rows)
    for model, recipe, other, *found in rows:
        over = SENSITIVE if recipe.startswith(("cache", "controls/random_cache")) else SAMPLES
        pairs = Counter(
            (one["outcome"] == "right", graded[model, other, benchmark][name]["outcome"] == "right")
            for benchmark in over
            for name, one in graded[model, recipe, benchmark].items()
            if name in graded[model, other, benchmark]
        )
        only, others = pairs[True, False], pairs[False, True]
        tosses = only + others
        tail = sum(math.comb(tosses, heads) for heads in range(min(only, others) + 1)) * 2 / 2**tosses
        assert found[:2] == [only, others]
        assert math.isclose(found[2], min(1, tail), rel_tol=1e-6, abs_tol=1e-9)


def _calibration(rows: list[tuple[float, float]]) -> tuple[float, float]:
    """Expected calibration error in ten bins, and Brier score, of (confidence, grade)."""
    sure, worth = np.array(rows).T
    bins = np.digitize(sure, np.linspace(0, 1, 11), right=True)
    gaps = [abs((sure - worth)[bins == one].mean()) * (bins == one).mean() for one in set(bins.tolist())]
    return sum(gaps), float(((sure - worth) ** 2).mean())


def test_calibration(connection: store.Connection, grid: Grid, graded: Any) -> None:
    """The numbers, and the jackknife over pictures of benchmarks that have less than 128."""
    pictures = {(row["benchmark"], row["sample_id"]): row["group_id"] for row in grid["samples"]}
    found = connection.sql(
        "select model, recipe, benchmark, n_samples, calibration_error, brier, ece.standard_error,"
        " brier.standard_error, ece.difference, brier.difference, ece.difference_high - ece.difference"
        " from calibration_error as ece inner join brier using (model, recipe, benchmark, n_samples)"
    ).fetchall()
    assert len(found) == len(graded)
    for *cell, n, ece, brier, ece_error, brier_error, ece_more, brier_more, half in found:
        mine, full = (_by_picture(graded[cell[0], one, cell[2]], pictures, cell[2]) for one in (cell[1], FULL))
        assert n == sum(map(len, mine.values()))
        both = [(_calibration(_without(mine, None)), _calibration(_without(full, None)))]
        assert (ece, brier) == pytest.approx(both[0][0], abs=1e-8)
        assert (ece_more, brier_more) == pytest.approx(np.subtract(*both[0]), abs=1e-8)
        if cell[2] == "c":
            continue
        out = np.array([[_calibration(_without(one, name)) for one in (mine, full)] for name in mine])
        errors = np.sqrt((len(mine) - 1) * out.var(axis=0))
        assert (ece_error, brier_error) == pytest.approx(errors[0], abs=1e-7)
        paired = math.sqrt((len(mine) - 1) * (out[:, 0, 0] - out[:, 1, 0]).var())
        assert half == pytest.approx(1.96 * paired, abs=1e-7)


def _by_picture(
    samples: dict[str, dict[str, Any]], pictures: dict[tuple[str, str], str], benchmark: str
) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, one in samples.items():
        if one["log_probability"] is not None:
            sure = math.exp(one["log_probability"] / one["new_tokens"])
            found[pictures[benchmark, name]].append((sure, one["grade"]))
    return found


def _without(by_picture: dict[str, list[tuple[float, float]]], left_out: str | None) -> list[tuple[float, float]]:
    return [row for name, rows in by_picture.items() if name != left_out for row in rows]


def test_pareto_front(connection: store.Connection) -> None:
    rows = connection.sql(
        "select (model, cost, scope), gain, overall_performance, is_on_pareto_front from is_on_pareto_front"
    ).fetchall()
    for front, *point, is_on_front in rows:
        rivals = [(gain, op) for other, gain, op, _ in rows if other == front]
        beaten = any(gain >= point[0] and op >= point[1] and [gain, op] != point for gain, op in rivals)
        assert is_on_front is not beaten
    assert len({row[-1] for row in rows}) == 2


def test_bootstrap_intervals(connection: store.Connection, grid: Grid, graded: Any) -> None:
    """Draw the same counts by hashlib; weigh; take quantiles with numpy."""
    groups = {(row["benchmark"], row["sample_id"]): row["group_id"] for row in grid["samples"]}
    times = {
        key: np.array([_times(*key, r) for r in range(RESAMPLES)]) for key in {(b, g) for (b, _), g in groups.items()}
    }
    rows = connection.sql(
        "select model, recipe, benchmark, standard_error, accuracy.low, accuracy.high, kept.low, kept.high"
        " from accuracy inner join accuracy_kept as kept using (model, recipe, benchmark) where benchmark in ('b', 'd')"
    ).fetchall()
    assert len(rows) == 2 * len(MODELS) * len(RECIPES)
    for model, recipe, benchmark, *found in rows:
        drawn = {sample: times[benchmark, group] for (asked, sample), group in groups.items() if asked == benchmark}
        mine, full = (_means(graded[model, one, benchmark], drawn) for one in (recipe, FULL))
        wanted = [mine.std(ddof=1), *np.quantile(mine, [0.025, 0.975]), *np.quantile(mine / full, [0.025, 0.975])]
        assert np.allclose(found, wanted, rtol=0, atol=1e-8)


def _times(benchmark: str, group: str, replicate: int) -> int:
    """Count the steps of Poisson(1), in 1 / 65536, up to a chance: 16 bits of the hash of eight replicates."""
    digest = hashlib.md5(f"0|{benchmark}|{group}|{replicate // 8}".encode()).digest()
    chance = int.from_bytes(digest[2 * (replicate % 8) :][:2], "little")
    steps = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(7)])
    return int((chance >= np.round(65536 * steps)).sum())


def _means(samples: dict[str, dict[str, Any]], times: dict[str, Any]) -> Any:
    weights = np.stack([times[name] for name in samples])
    return np.array([one["grade"] for one in samples.values()]) @ weights / weights.sum(axis=0)


def _owners_score(aggregate: str, by_group: dict[tuple[str, str], list[float | None]]) -> float:
    """Sum up as a benchmark's owners do, from the grades of each kind and group."""
    samples, groups = defaultdict(list), defaultdict(list)
    for (kind, _), grades in by_group.items():
        samples[kind] += [grade for grade in grades if grade is not None]
        groups[kind] += [] if None in grades else [min(grades)]  # type: ignore[type-var]
    if aggregate == "pairs":
        return 100 * sum(statistics.fmean(of[kind]) for kind in samples for of in (samples, groups))
    if aggregate == "mean_of_kinds":
        return 100 * statistics.fmean(statistics.fmean(of_kind) for of_kind in samples.values())
    found = (groups if aggregate == "circular" else samples).values()
    return 100 * statistics.fmean(grade for of_kind in found for grade in of_kind)


def test_published_score(connection: store.Connection, grid: Grid, said: Any) -> None:
    places = {(row["benchmark"], row["sample_id"]): (row["kind"], row["group_id"]) for row in grid["samples"]}
    rows = connection.sql("select model, recipe, benchmark, aggregate, published_score from published_score").fetchall()
    assert len(rows) == len(said)
    for *cell, aggregate, found in rows:
        by_group = defaultdict(list)
        for sample_id, one in said[tuple(cell)].items():
            by_group[places[cell[2], sample_id]].append(one["published_grade"])
        assert found == pytest.approx(_owners_score(aggregate, by_group), abs=1e-8), cell


def test_interval_of_a_published_score_is_that_of_many_draws(
    connection: store.Connection, grid: Grid, said: Any
) -> None:
    """The delta method against a plain bootstrap over groups."""
    places = {(row["benchmark"], row["sample_id"]): (row["kind"], row["group_id"]) for row in grid["samples"]}
    rng = np.random.default_rng(0)
    for benchmark, aggregate in AGGREGATES.items():
        cell = ("one", "tokens/fastv@10%", benchmark)
        groups = defaultdict(list)
        for sample_id, one in said[cell].items():
            groups[places[benchmark, sample_id]].append(one["published_grade"])
        names, drawn = list(groups), []
        for _ in range(600):
            chosen = rng.integers(len(names), size=len(names))
            again = {(names[place][0], str(n)): groups[names[place]] for n, place in enumerate(chosen)}
            drawn.append(_owners_score(aggregate, again))
        [(score, low, high)] = connection.execute(
            "select published_score, low, high from published_score where model = ? and recipe = ? and benchmark = ?",
            cell,
        ).fetchall()
        half = max(score - low, high - score)  # the other may be cut at the end of the scale
        assert half / 1.96 == pytest.approx(np.std(drawn), rel=0.15), aggregate
