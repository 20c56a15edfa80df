"""When a machine counts as busy: the reference work of a process is slow beside the fastest of all."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.pipeline.clock import steadiness


def measured(*highs: float, model: str = "m") -> pa.Table:
    """The ceilings of a process each, whose fastest work took a second, but for the last one, which took two."""
    rows = [{"model": model, "device": "d", "reference_low": 1.0, "reference_high": high} for high in highs]
    rows[-1]["reference_low"] = 2.0
    return pa.Table.from_pylist(rows)


def test_a_steady_machine_is_said_to_be_so() -> None:
    said = steadiness(measured(1.1, 1.3))
    assert said == "the machine was steady: a fixed piece of work took up to 1.30 times its fastest"


def test_processes_are_busy_beside_the_fastest_of_all_models() -> None:
    both = pa.concat_tables([measured(1.1, 1.31), measured(2.5, 1.0, model="n")])
    assert steadiness(both) == (
        "the machine was busy in 2 of 4 processes: a fixed piece of work took up to 2.50 times its fastest; "
        "intervals are wider for it"
    )
