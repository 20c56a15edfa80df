"""`leanvlm plan`: what a run would do is what it then does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.checkouts import RECIPES, run, write_params
from tests.in_process import draw_samples, leanvlm


def asked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return leanvlm(folder, "plan", "--format", "json", *arguments)


def planned(folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    done = asked(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return {row["what"]: row for row in json.loads(done.stdout)}


def test_cells_skips_checkpoints_and_hours_are_told_beforehand(checkout: Path, server: str) -> None:
    write_params(checkout, (*RECIPES[:2], "tokens/fastv@10%:layer=90", "weights/wanda@50%"))
    draw_samples(checkout)
    before = planned(checkout)
    assert (before["to fetch"]["amount"], before["to fetch"]["note"]) == ("0", "lies in artifacts/models/embedded")
    assert (before["checkpoints to make"]["amount"], before["checkpoints to make"]["note"]) == ("1", "weights-wanda-50")
    assert (before["cells stored"]["amount"], before["cells to answer"]["amount"]) == ("0", "6")
    assert before["cells skipped"]["amount"] == "2"
    assert "tokens cannot be dropped at layer 90" in before["cells skipped"]["note"]
    assert before["answering"]["amount"] == "unknown"

    write_params(checkout, RECIPES[:2])
    measured = planned(checkout, "--measure")
    assert 0 < float(measured["answering"]["amount"]) < 1
    assert planned(checkout)["answering"] == measured["answering"]  # what was learnt is kept
    assert run(checkout, "-m", "stages.answer", server=server).returncode == 0
    after = planned(checkout)
    assert (after["cells stored"]["amount"], after["cells to answer"]["amount"]) == ("4", "0")
    assert float(after["answering"]["amount"]) == 0


def test_a_model_that_is_not_here_is_told_of_in_its_line(checkout: Path) -> None:
    found = planned(checkout, "--profile", "smolvlm-256m")
    assert found["to fetch"]["amount"] == "unknown"
    assert "is not in the hub's cache" in found["cells"]["note"]
    refused = asked(checkout, "--profile", "smolvm-256m")
    assert refused.returncode == 2
    assert "(perhaps smolvlm-256m)" in refused.stderr
