"""The bench of the clock finds what was planted, on seconds that are made up."""

from __future__ import annotations

import json

import pytest

from leanvlm import files
from leanvlm.benches import clock

FULL = {"preprocess": 0.01, "vision": 0.02, "selection": 0.0, "prefill": 0.1, "decode": 0.01, "total": 0.3}
NAMES = (*(f"same {index}" for index in range(clock.N_SAME)), *(f"slow {phase}" for phase in clock.PLANTED))


def process(number: int) -> str:
    slow = {"slow vision": ("vision", 1.05), "slow read": ("prefill", 1.04), "slow decode": ("decode", 1.05)}
    rows = []
    for name in (*NAMES, *clock.RECIPES):
        phase, times = slow.get(name, ("total", 1.0))
        mine = FULL | {phase: FULL[phase] * times}
        rows.append({"recipe": name, "process": number, "repeat": 0, "mine": mine, "full": FULL})
    return json.dumps(rows)


def test_what_is_planted_is_printed_and_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setattr(clock, "_process", process)
    monkeypatch.setattr(files, "BENCH", tmp_path)
    monkeypatch.setattr("sys.argv", ["clock"])
    clock.main()
    said = capsys.readouterr().out
    assert "quiet: full beside full is no real speed-up in 20 of 20" in said
    assert "5% more in vision: vision 0.95x (0.95 to 0.95), slower; true 0.952" in said
    assert "5% more in read: prefill 0.96x (0.96 to 0.96), slower; true 0.962" in said
    assert "within the quiet run's interval: 10 of 10 recipes" in said
