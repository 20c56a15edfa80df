"""The table of docs/grading.md: where our grades depart from those of the benchmarks' owners, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from ruamel.yaml import YAML

from leanvlm import grading
from leanvlm.docs import blocks
from leanvlm.errors import InputError

TESTS = Path(__file__).parents[2] / "tests/grading"
CASES = TESTS / "scorer_cases.jsonl"  # answers with the grades that the owners' code gave them
REASONS = TESTS / "departures.yaml"
HEAD = ("rule", "a person reads", "answers", "such as", "right", "today", "paper", "ours")
TEXTS = pa.list_(pa.string())
ASKED = pa.schema([("answer", pa.string()), ("answers", TEXTS), ("options", TEXTS)])
TOLERANCE = 1e-6  # two grades that are nearer are the same


@dataclass(frozen=True)
class Case:
    """An answer, with the grades of both harnesses, null where they ask a judge, and ours."""

    rule: str
    kind: str
    answer: str
    right: str
    today: float | None
    paper: float | None
    ours: float

    @property
    def departs(self) -> bool:
        """Say whether one of the owners gives another grade."""
        return any(grade is not None and abs(grade - self.ours) > TOLERANCE for grade in (self.today, self.paper))


def table() -> str:
    """Write a row for each reason: how many answers it explains, and one of them.

    Raises: InputError where an answer departs without a reason, or a reason explains none.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        grading.load_macros(connection)
        departing = [case for rule in grading.rules() for case in graded(rule, connection) if case.departs]
    rows = [_row(rule, reason, _explained(departing, rule, reason, kinds)) for rule, reason, kinds in _reasons()]
    explained = {(rule, kind) for rule, _, kinds in _reasons() for kind in kinds}
    if missing := sorted({(case.rule, case.kind) for case in departing} - explained):
        raise InputError(
            f"{REASONS.name} does not say why {missing[0][0]} departs for {missing[0][1]!r}; write it there"
        )
    return blocks.table(HEAD, rows)


def graded(rule: str, connection: duckdb.DuckDBPyConnection) -> list[Case]:
    """Grade the rule's answers, with a connection that knows the rules."""
    told = [case for case in map(json.loads, CASES.read_text(encoding="utf-8").splitlines()) if case["rule"] == rule]
    connection.register("asked", pa.Table.from_pylist([_asked(case) for case in told], schema=ASKED))
    worth = connection.execute(f"select grade_{rule}(answer, answers, options) from asked").fetchall()
    return [_case(case, ours) for case, (ours,) in zip(told, worth, strict=True)]


def _asked(told: dict[str, Any]) -> dict[str, Any]:
    return {"answer": told["answer"], "answers": told["gold"], "options": told.get("options") or []}


def _case(told: dict[str, Any], ours: float) -> Case:
    return Case(
        rule=told["rule"],
        kind=told["note"].split(";")[0],
        answer=told["answer"],
        right=", ".join(dict.fromkeys(told["gold"])),
        today=told["official_score"],
        paper=told["paper_score"],
        ours=ours,
    )


def _reasons() -> Iterator[tuple[str, str, list[str]]]:
    for rule, reasons in YAML(typ="safe").load(REASONS).items():
        for reason, kinds in reasons.items():
            yield rule, reason, kinds


def _explained(departing: list[Case], rule: str, reason: str, kinds: list[str]) -> list[Case]:
    found = [case for case in departing if case.rule == rule and case.kind in kinds]
    if idle := [kind for kind in kinds if kind not in {case.kind for case in found}]:
        raise InputError(f"{REASONS.name}: {rule} does not depart for {idle[0]!r} ({reason}); leave it out")
    return found


def _row(rule: str, reason: str, found: list[Case]) -> tuple[str, ...]:
    shown = found[0]
    grades = map(_shown, (shown.today, shown.paper, shown.ours))
    return rule, reason, str(len(found)), _code(shown.answer), _code(shown.right), *grades


def _shown(grade: float | None) -> str:
    return "a judge's" if grade is None else f"{grade:.2g}"


def _code(text: str) -> str:
    return "`" + json.dumps(text, ensure_ascii=False).replace("`", "'") + "`"
