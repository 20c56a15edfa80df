"""Vision passes are kept where several checkpoints of a model are asked the same, and go when all are answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leanvlm import files, hashes
from leanvlm.engine import prepare, worker
from leanvlm.params import load
from leanvlm.pipeline import features, sources
from leanvlm.pipeline.cells import by_sweep, grid_cells
from leanvlm.pipeline.models import checkpoint
from stages import calibration as calibration_stage
from stages import compress as compress_stage
from stages import record as record_stage
from stages import samples as samples_stage
from tests.checkouts import make, run, write_params

RECIPES = ("controls/full", "cache/snapkv@10%", "weights/wanda@50%", "weights/rtn@fp8+cache/snapkv@10%")
COMPRESSED = ("weights/wanda@50%", "weights/rtn@fp8")


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Path:
    """A checkout with two checkpoints besides the model's own, one of them in eight bits."""
    folder = tmp_path_factory.mktemp("features") / "checkout"
    make(folder, random_checkpoint)
    write_params(folder, RECIPES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        samples_stage.main()
        calibration_stage.main()
        patch.setattr("sys.argv", ["stages/record.py", "embedded"])
        record_stage.main()
        for recipe in COMPRESSED:
            patch.setattr("sys.argv", ["stages/compress.py", "embedded", recipe])
            compress_stage.main()
    return folder


@pytest.fixture
def inside(compressed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(compressed)
    yield
    for remembered in (hashes.file_hash, hashes.folder_hash):  # by relative paths
        remembered.cache_clear()


@pytest.mark.usefixtures("inside")
def test_all_checkpoints_read_what_the_first_one_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    params = load(files.PARAMS)
    cells = [cell for cell in grid_cells(params) if cell.benchmark == "documents"]
    store = features.stores(params, cells)["embedded", "documents"]
    asked, passes = list(worker.read_samples("documents")), [0]
    see = prepare.run_vision

    def counted(*args: object, **named: object) -> object:
        passes[0] += 1
        return see(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare, "run_vision", counted)
    for group in by_sweep(params, cells):
        weights = checkpoint(params, group[0].model, group[0].recipe)
        texts = [cell.recipe.text for cell in group]
        kept, plain = (
            worker.answer_batch(weights, asked, texts, limit=4, rows=8, features=one) for one in (store, None)
        )
        assert kept == plain
    assert passes[0] == len(asked) * (1 + len(by_sweep(params, cells))), "once with the store, each time without"


@pytest.mark.usefixtures("inside")
def test_none_is_kept_that_nobody_else_will_ask_for() -> None:
    params = load(files.PARAMS)
    cells = grid_cells(params)
    own = [cell for cell in cells if cell.recipe.part("weights") is None]
    left = files.FEATURES / "of-older-code"
    left.mkdir(parents=True)
    both = features.stores(params, cells)
    assert set(both) == {("embedded", "easy_vqa"), ("embedded", "documents")}
    assert len({store.folder for store in both.values()}) == 1
    assert not left.exists()
    assert features.stores(params, own) == {}
    off = replace(params, answer=replace(params.answer, features_gb=0.0))
    assert features.stores(off, cells) == {}


def test_what_is_kept_goes_when_all_is_answered(compressed: Path, server: str) -> None:
    done = run(compressed, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith("answers: 8 cells, 8 answered now")
    assert not (compressed / files.FEATURES).exists()


@pytest.mark.parametrize(
    ("file", "is_other"),
    [
        ("engine/vision/vision_pass.py", True),
        ("methods/controls/downsample.py", True),
        ("models/llava_onevision.py", True),
        ("pictures.py", True),
        ("methods/weights/gptq.py", False),
        ("report/__init__.py", False),
    ],
)
def test_an_edited_source_changes_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, is_other: bool
) -> None:
    copy = tmp_path / "leanvlm"
    shutil.copytree(sources.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "PACKAGE", copy)
    before = fresh()
    with (copy / file).open("a") as source:
        source.write("\nADDED = 1\n")
    assert (fresh() != before) == is_other


def fresh() -> str:
    for function in (sources.vision_hash, sources._imported, sources._code):
        function.cache_clear()
    return sources.vision_hash("llava_onevision")
