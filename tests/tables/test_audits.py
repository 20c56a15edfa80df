"""What a layer takes, worked by hand: as stored, and where pruned weights are left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.params import read
from leanvlm.pipeline import audits
from leanvlm.tables import audits as table
from leanvlm.tables import costs

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.mark.parametrize(
    ("bits", "nonzero", "stored", "packed"),
    [
        (8, 0.5, 2048, 1024 + 128),  # half of 1,024 weights in 16 bits, and a bit for each of the 1,024
        (14, 0.875, 2048, 1792 + 128),
        (15.5, 0.96875, 2048, 2048),  # the mask would cost more than the zeros give back
        (16, 1.0, 2048, 2048),
        (4.125, 0.9, 528, 528),  # rounded to zero is not pruned
        (2.125, 0.48, 528, 272 + 128),  # 2:4 in four bits, with a scale of 16 bits for each 128
    ],
)
def test_bytes_worked_by_hand(bits: float, nonzero: float, stored: int, packed: int) -> None:
    layer = {"bits_per_weight": bits, "nonzero_share": nonzero, "stored_bytes": stored, "n_weights": 1024}
    (row,) = audits.layer_rows({"layers": {"down_proj": {**layer, "budget": None}}})
    assert (row["stored_bytes"], row["packed_bytes"]) == (stored, packed)
    assert row["zero_share"] == pytest.approx(1 - nonzero)
    assert row["achieved_budget"] == bits / 16


def test_both_tables_are_those_of_the_grids_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layer = {"bits_per_weight": 8, "nonzero_share": 0.5, "stored_bytes": 2048, "n_weights": 1024, "budget": 0.5}
    for slug in ("weights-gptq-w4a16-g128", "weights-wanda-50", "weights-stale-10"):
        folder = Path("artifacts/checkpoints/embedded", slug)
        folder.mkdir(parents=True)
        (folder / "audit.json").write_text(json.dumps({"layers": {"up_proj": layer, "down_proj": layer}}))
        Path("artifacts/costs/embedded").mkdir(parents=True, exist_ok=True)
        cost = {"calibration_samples": 32, "seconds": 1.5, "peak_bytes": 1 << 30}
        Path(f"artifacts/costs/embedded/{slug}.json").write_text(json.dumps(cost))
    audits.write_tables(read(PARAMS))
    rows = table.TABLE.read(Path("artifacts/audits.parquet")).to_pylist()
    assert {row["recipe"] for row in rows} == {"weights/gptq@w4a16-g128", "weights/wanda@50%"}
    assert len(rows) == 4
    assert len(costs.TABLE.read(Path("artifacts/costs.parquet"))) == 2
    shutil.rmtree("artifacts/checkpoints/embedded/weights-wanda-50")
    with pytest.raises(InputError, match=r"weights-wanda-50/audit\.json does not exist; run `make repro`"):
        audits.write_tables(read(PARAMS))
