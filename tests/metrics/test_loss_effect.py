"""What decides losses is found, what does not is not, and the numbers are those of numpy's least squares."""

from __future__ import annotations

import json
import math
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.metrics.random_grid import random_grid
from tests.metrics.stores import computed

PROPERTIES = ("answer_tokens", "visual_tokens", "n_objects", "text_density", "evidence_y")
FULL, N_DRAWS, N_SAMPLES = "controls/full", 20, 200
Table = dict[str, list[dict[str, Any]]]


def planted(n_draws: int) -> Table:
    """A draw is a model; one property alone decides what its recipe `planted` loses, and none what `any` does."""
    grid: Table = defaultdict(list)
    for draw in range(n_draws):
        rng = random.Random(draw)
        key = {"model": f"m{draw}", "benchmark": f"b{draw}"}
        for index in range(N_SAMPLES):
            shares = {name: rng.random() for name in PROPERTIES}
            has_much = shares[PROPERTIES[draw % len(PROPERTIES)]] > 0.5
            one = key | {"sample_id": f"{index}"}
            told = {name: shares[name] for name in PROPERTIES[2:]}
            asked = {"benchmark": f"b{draw}", "sample_id": f"{index}", "group_id": f"{index}", "kind": "k"}
            grid["samples"].append(asked | {"difficulty": json.dumps(told)})
            visual_tokens = 100 + int(700 * shares["visual_tokens"])
            counts = {"new_tokens": 1 + int(9 * shares["answer_tokens"]), "visual_tokens": visual_tokens}
            counts["prompt_tokens"] = visual_tokens + rng.randrange(10, 60)
            grid["answers"].append(one | {"recipe": FULL} | counts)
            chances = {FULL: 0.0, "planted": 0.7 if has_much else 0.1, "any": 0.4}
            grid["grades"] += [one | {"recipe": name} | graded(rng, chance) for name, chance in chances.items()]
    return grid


def graded(rng: random.Random, chance: float) -> dict[str, Any]:
    is_lost = rng.random() < chance
    return {"grade": 1.0 - is_lost, "outcome": "wrong" if is_lost else "right"}


def test_what_decides_the_loss_explains_it_in_nineteen_of_twenty_draws(tmp_path: Path) -> None:
    with computed(tmp_path, planted(N_DRAWS), wanted="loss_effect") as connection:
        found = connection.sql(
            "select model, property, low > 0 from loss_effect where recipe = 'planted' and strength = 1"
        ).fetchall()
        others = connection.sql("select low > 0 or high < 0 from loss_effect where recipe = 'any'").fetchall()
    n_right = sum(is_sure and name == PROPERTIES[int(model[1:]) % len(PROPERTIES)] for model, name, is_sure in found)
    assert len(found) == N_DRAWS
    assert n_right >= 19
    assert len(others) == N_DRAWS * (len(PROPERTIES) + 1), "and the tokens of text, which decide nothing"
    assert Counter(others)[(True,)] <= 14, "6 of 120 are expected by chance; over 14 has a chance of 1 in 1,000"


def test_numbers_and_intervals_are_those_of_numpy(tmp_path: Path) -> None:
    grid = random_grid(3)
    left_out = {(row["model"], *named(row)) for row in grid["grades"] if row["grade"] is None}
    with computed(tmp_path, grid, wanted="loss_effect") as connection:
        found = connection.sql("select model, recipe, property, loss_effect, low, high from loss_effect").fetchall()
    for model in ("one", "two"):
        wanted = by_numpy(grid, model, left_out)
        ours = {(recipe, name): numbers for one, recipe, name, *numbers in found if one == model}
        assert set(ours) == set(wanted)
        for key, numbers in ours.items():
            assert np.allclose(numbers, wanted[key], rtol=0, atol=1e-5), key


def named(row: dict[str, Any]) -> tuple[str, str]:
    return row["benchmark"], row["sample_id"]


def by_numpy(grid: Table, model: str, left_out: set[tuple[str, str, str]]) -> dict[tuple[str, str], list[float]]:
    """Ridge over standardised properties, and its cluster-robust intervals."""
    samples = {named(row): row for row in grid["samples"]}
    first = {key for name in "abcd" for key in sorted(key for key in samples if key[0] == name)[:1024]}
    grades = {(row["recipe"], *named(row)): row["grade"] for row in grid["grades"] if row["model"] == model}
    said = {named(row): row for row in grid["answers"] if (row["model"], row["recipe"]) == (model, FULL)}
    right = sorted(key for key in first if grades[FULL, *key] == 1 and (model, *key) not in left_out)
    table = {name: np.array(values) for name, values in columns(right, samples, said).items()}
    names = [name for name, values in table.items() if np.nanmin(values) < np.nanmax(values)]
    scaled = [(table[name] - np.nanmean(table[name])) / np.nanstd(table[name]) for name in names]
    x = np.nan_to_num(np.column_stack([np.ones(len(right)), *scaled]))
    clusters = np.array([cluster(key, samples) for key in right])
    wanted = {}
    for recipe in {recipe for recipe, *_ in grades} - {FULL}:
        has = {name for name in "abcd" if all((recipe, *key) in grades for key in right if key[0] == name)}
        rows = np.array([key[0] in has for key in right])
        y = np.array([1 - grades[recipe, *key] for key in right if key[0] in has])
        fitted = fit(x[rows], y, clusters[rows])
        wanted |= {(recipe, name): numbers for name, numbers in zip(names, fitted[1:], strict=True)}
    return wanted


def columns(right: list[tuple[str, str]], samples: Any, said: Any) -> dict[str, list[float]]:
    told = {key: json.loads(samples[key]["difficulty"]) for key in right}
    kinds = [f"{key[0]}/{samples[key]['kind']}" for key in right]
    usual = [kind for kind, n in Counter(kinds).items() if n * 20 >= len(right)]
    return {
        "answer_tokens": [math.log(said[key]["new_tokens"]) for key in right],
        "visual_tokens": [math.log(said[key]["visual_tokens"]) for key in right],
        "text_tokens": [math.log(said[key]["prompt_tokens"] - said[key]["visual_tokens"]) for key in right],
        "n_options": [len(samples[key]["options"]) for key in right],
        "rows": [told[key]["rows"] for key in right],
        "depth": [told[key].get("depth", math.nan) for key in right],
        **{f"kind: {one}": [float(kind == one) for kind in kinds] for one in usual},
    }


def cluster(key: tuple[str, str], samples: Any) -> str:
    pictures = sorted({row["group_id"] for (name, _), row in samples.items() if name == key[0]})
    return f"{key[0]} {pictures.index(samples[key]['group_id']) % 128}"


def fit(x: Any, y: Any, clusters: Any) -> list[list[float]]:
    """Return each number with the ends of its interval."""
    squares = x.T @ x
    squares += np.diag([0, *np.diag(squares)[1:]]) / 1000
    numbers = np.linalg.solve(squares, x.T @ y)
    residuals = y - x @ numbers
    scores = np.array([x[clusters == one].T @ residuals[clusters == one] for one in set(clusters.tolist())])
    (n, p), n_clusters = x.shape, len(scores)
    spread = np.linalg.inv(squares) @ scores.T @ scores @ np.linalg.inv(squares)
    errors = np.sqrt(np.diag(spread) * n_clusters / (n_clusters - 1) * (n - 1) / (n - p))
    return np.column_stack([numbers, numbers - 1.96 * errors, numbers + 1.96 * errors]).tolist()  # type: ignore[no-any-return]
