"""DVC makes the checkpoints that the profile's recipes need, and of them only those that a change touches."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.checkouts import ROOT, run

# What stands in for the stages: it writes what dvc.yaml says, and notes that it ran.
SAMPLES = "from pathlib import Path; Path('data/samples').mkdir(parents=True, exist_ok=True)"
CALIBRATION = "from pathlib import Path; Path('data/calibration.parquet').touch()"
RECORD = "from pathlib import Path; Path('artifacts/entrances/embedded').mkdir(parents=True)"
COMPRESS = """
import sys
from pathlib import Path
_, model, recipe = sys.argv
Path("artifacts/checkpoints", model, recipe).mkdir(parents=True, exist_ok=True)
Path("artifacts/checkpoints", model, recipe, "audit.json").write_text(recipe)
costs = Path("artifacts/costs", model, f"{recipe}.json")
costs.parent.mkdir(parents=True, exist_ok=True)
costs.touch()
with Path("made").open("a") as file:
    print(recipe, file=file)
"""


@pytest.fixture
def grid(checkout: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", checkout / "params.yaml")
    (checkout / "stages/samples.py").write_text(SAMPLES)
    (checkout / "stages/calibration.py").write_text(CALIBRATION)
    (checkout / "stages/record.py").write_text(RECORD)
    (checkout / "stages/compress.py").write_text(COMPRESS)
    return checkout


def made(folder: Path, *arguments: str) -> list[str]:
    """Run the stage and say which checkpoints it made."""
    (folder / "made").write_text("")
    done = run(folder, "-m", "leanvlm.pipeline.reproduce", *arguments, "compress")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return sorted((folder / "made").read_text().split())


def test_only_what_changes_is_made(grid: Path) -> None:
    params = grid / "params.yaml"
    assert made(grid) == ["weights-gptq-w4a16-g128", "weights-wanda-50"]
    cached = [path.read_bytes() for path in (grid / ".dvc/cache/files").rglob("*") if path.is_file()]
    assert cached
    assert b"weights-wanda-50" not in cached, "a checkpoint is on disk once"
    params.write_text(params.read_text().replace('- "weights/wanda@50%"\n    - "w', '- "weights/wanda@40%"\n    - "w'))
    assert made(grid) == ["weights-wanda-40"]
    more = made(grid, "--profile", "all")
    assert {"weights-magnitude-2-4", "weights-owl-80", "weights-ecoflap-50"} < set(more)
    assert not {"weights-gptq-w4a16-g128", "weights-wanda-40"} & set(more)
    assert made(grid) == []
