"""The recipes that can be chosen, read from a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from leanvlm.choice.kernels import no_faster
from leanvlm.errors import InputError, in_brief
from leanvlm.recipes import FULL

SQL = Path(__file__).with_suffix(".sql")
SPEEDS = ("prefill", "decode", "total")
MEMORY = ("memory", "memory_bytes")  # these are better when less, all others when more
SHARES = ("op", "ol")  # and every benchmark


@dataclass(frozen=True)
class Measured:
    """A number with its interval; the ends are None where it was not estimated."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One recipe and what was measured of it: candidates.sql says in which units."""

    recipe: str
    family: str
    verdict: str | None  # against its control of equal budget: better, tie or worse
    measured: Mapping[str, Measured]
    no_faster: str | None = None  # why it cannot be faster than the full model, whatever a clock says

    @property
    def is_control(self) -> bool:
        """Say whether it is there to be compared with."""
        return self.family == "controls"


def read(connection: duckdb.DuckDBPyConnection, *, model: str | None, device: str | None) -> list[Candidate]:
    """List every recipe of a model but the full one; `None` stands for the only model or device.

    Raises: InputError naming the models or devices where the store has not that one, or several.
    """
    found = _ask(connection)
    model = _only("model", model, sorted({row["model"] for row in found}))
    found = [row for row in found if row["model"] == model and row["recipe"] != FULL]
    devices = {one["device"] for row in found for one in row["measured"] if one["device"] is not None}
    if devices or device is not None:
        device = _only("device", device, sorted(devices))
    return [_candidate(row, device) for row in found]


def _ask(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    try:
        connection.execute(SQL.read_text(encoding="utf-8"))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise InputError(f"the store is of another version ({in_brief(error)}); run `make repro`") from error
    columns = [name for (name, *_) in connection.description or []]
    return [dict(zip(columns, row, strict=True)) for row in connection.fetchall()]


def _only(kind: str, name: str | None, known: list[str]) -> str:
    if name is None and len(known) == 1:
        return known[0]
    if name is None and known:
        raise InputError(f"the store has several {kind}s; name one with --{kind}: {', '.join(known)}")
    if name not in known:
        raise InputError(f"no {kind} {name!r} in the store; it has {', '.join(known) or 'none'}")
    return name


def _candidate(row: dict[str, Any], device: str | None) -> Candidate:
    measured = {
        one["quantity"]: Measured(one["amount"], one["low"], one["high"])
        for one in row["measured"]
        if one["device"] in (None, device)
    }
    stored_bytes, n_weights = row["stored_bytes"], row["n_weights"]
    reason = None if stored_bytes is None else no_faster(stored_bytes=stored_bytes, n_weights=n_weights)
    return Candidate(row["recipe"], row["family"], row["verdict"], measured, reason)
