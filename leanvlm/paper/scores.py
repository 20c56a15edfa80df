"""A table of scores: one JSON file, model > budget > method > benchmark > score, refused unless it is whole.

The full model is in it as the method "Original" at the budget "100%": all other scores are divided by its. A method
or benchmark that one model lacks would change a mean without a word, so none may. A text "source" may be beside the
models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from leanvlm.errors import InputError
from leanvlm.paper.entry import FULL_NAMES, LEVELS, Score, place, refuse_unknown
from leanvlm.recipes import FULL

FORM = place((*LEVELS, "score"))
MOST = 1_000_000  # above any benchmark's scale


def read(path: Path) -> list[Score]:
    """Read a table of scores, in the order of the file.

    Raises: InputError naming the entry that is wrong and what is allowed.
    """
    try:
        tree = _parse(path.read_bytes())
        if isinstance(tree, dict) and isinstance(tree.get("source"), str):
            del tree["source"]
        scores = [Score(*leaf) for leaf in _leaves(tree)]
        for score in scores:
            refuse_unknown(score)
        _refuse_gaps(scores)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a JSON file of scores") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return scores


def _parse(data: bytes) -> Any:
    if not data.strip():
        raise InputError(f"the file is empty; write {FORM} as JSON")
    try:
        return json.loads(data, object_pairs_hook=_once, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the file is cut off or not JSON ({error}); write {FORM} as JSON") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise InputError(f"{name!r:.60} is listed twice in one object; leave one")
        names.add(name)
    return dict(pairs)


def _leaves(tree: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if len(names) == len(LEVELS):
        yield (*names, _number(tree, names))
        return
    level = LEVELS[len(names)]
    if not isinstance(tree, dict) or not tree:
        raise InputError(f"{place(names)} holds {_shown(tree)} and no {level}; a table is {FORM}")
    for name, below in tree.items():
        if not name.strip() or not name.isprintable():
            raise InputError(f"{place(names)} holds a {level} named {name!r:.60}; write its name")
        yield from _leaves(below, (*names, name))


def _number(found: Any, names: Sequence[str]) -> float:
    if not isinstance(found, float) or not 0 <= found <= MOST:
        raise InputError(f"{place(names)} is {_shown(found)}; a score is a number from 0 to {MOST}")
    return found


def _shown(found: Any) -> str:
    if isinstance(found, dict):
        return "an object" if found else "nothing"
    if isinstance(found, list):
        return "a list"
    text = json.dumps(found)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_gaps(scores: list[Score]) -> None:
    """Refuse a model without the full model, or without a method, budget or benchmark that another has."""
    full_first = sorted(scores, key=lambda score: not score.is_full)
    examples = {score.recipe: score for score in reversed(full_first)}
    recipes = {(score.model, score.recipe): score for score in full_first}
    for model in dict.fromkeys(score.model for score in scores):
        if (model, FULL) not in recipes:
            raise InputError(f"{model} lacks {FULL_NAMES[0]} at 100%, which its other scores are divided by; add it")
        for recipe, example in examples.items():
            if (model, recipe) not in recipes:
                raise InputError(
                    f"{model} lacks {example.method} at {example.budget}, which {example.model} has; every model "
                    "needs the same methods and budgets, so add it, or give the method a file of its own"
                )
    _refuse_gaps_in_benchmarks(scores)


def _refuse_gaps_in_benchmarks(scores: list[Score]) -> None:
    benchmarks = dict.fromkeys(score.benchmark for score in scores)
    found: dict[tuple[str, ...], set[str]] = {}
    for score in scores:
        found.setdefault(score[:3], set()).add(score.benchmark)
    for names, known in found.items():
        lacking = next((name for name in benchmarks if name not in known), None)
        if lacking is not None:
            raise InputError(f"{place(names)} lacks {lacking}, which others have; every method needs every benchmark")
    if len(found) > len({(score.model, score.recipe) for score in scores}):
        raise InputError(f"a model has its full model twice; write it once, as {FULL_NAMES[0]} at 100%")
