"""`make ablate` runs what `dvc repro` passes over, and DVC then knows what it wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ruamel.yaml import YAML

from tests.checkouts import ROOT, run

RERUN = (
    "sys.argv = ['reproduce', '--rerun', 'ablation'];"
    "from leanvlm import errors; from leanvlm.pipeline import reproduce; errors.exit_on_error(reproduce.main)"
)


def test_a_frozen_stage_is_run_again_and_recorded(checkout: Path) -> None:
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "--rerun", "ablation")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    path = checkout / "artifacts/ablation.json"
    levels = {(row["benchmark"], row["knob"], row["level"]) for row in json.loads(path.read_text())["levels"]}
    assert levels == {("documents", "lines", 1), ("documents", "lines", 4)}  # as the checkout's params.yaml asks
    [written] = YAML(typ="safe").load(checkout / "dvc.lock")["stages"]["ablation"]["outs"]
    assert written["md5"] == hashlib.md5(path.read_bytes()).hexdigest()


def test_outside_a_checkout_it_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {RERUN}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "run from the repository's root" in done.stderr


def test_only_a_frozen_stage_is_run_again(checkout: Path) -> None:
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "--rerun", "report")
    assert done.returncode == 2
    assert "no frozen stage 'report'" in done.stderr
    assert done.stderr.count("\n") == 1
