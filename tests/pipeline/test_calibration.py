"""Calibration draws from benchmarks that can train and from a person's files, and never what is graded."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from leanvlm import calibration
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.tables import samples
from leanvlm.tables.calibration import TABLE
from tests.benchmarks import prepared
from tests.checkouts import ROOT, run

RECORD = "from pathlib import Path; Path('data/calibration.parquet').touch(); print('calibration ran')"


def write(folder: Path, n: int, *, name: str = "own.jsonl", color: int = 0) -> Path:
    """Write a file of rows with a picture each."""
    folder.mkdir(exist_ok=True)
    for index in range(n):
        Image.new("RGB", (9, 7), (color, index, 0)).save(folder / f"{index}.png")
    rows = [{"image": f"{index}.png", "question": f"what is {index}?", "answer": "it"} for index in range(n)]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / name


def test_a_file_and_benchmarks_come_in_turn(tmp_path: Path) -> None:
    own = str(write(tmp_path, 5))
    sources = ("documents", own, "pages")
    rows = list(calibration.draw(6, seed=0, sources=sources))
    assert [row["sample_id"].removesuffix(row["sample_id"][-6:]) for row in rows[:3]] == [
        "documents",
        f"{own}-row",
        "pages",
    ]
    assert len(rows[2]["images"]) > 1
    assert list(calibration.draw(4, seed=0, sources=sources)) == rows[:4]
    alone = list(calibration.draw(6, seed=0, sources=("documents", "pages")))
    assert [rows[0], rows[2]["images"]] == [alone[0], alone[1]["images"]], "a file changes nothing that is drawn"


def test_a_folder_benchmark_trains_on_the_file_beside_its_questions(tmp_path: Path) -> None:
    write(tmp_path, 3, name="train.jsonl")

    def build(_: str) -> Benchmark:
        return prepared.Benchmark(folder=str(tmp_path))

    rows = calibration.draw(2, seed=0, sources=("documents",), build=build)
    assert all(row["question"].startswith("what is ") for row in rows)
    read = calibration.read_for(2, seed=0, sources=("documents",), build=build)
    assert (len(read), read[0].name) == (3, "train.jsonl")
    (tmp_path / "train.jsonl").unlink()
    with pytest.raises(
        InputError, match=r"no split to train on; put one of train.jsonl, train.parquet, train.csv there"
    ):
        list(calibration.draw(2, seed=0, sources=("documents",), build=build))


@pytest.mark.parametrize(
    ("n", "source", "said"),
    [
        (4, "{own}", "has 3 rows and 4 are asked of it"),
        (1, "none.jsonl", "there is no file 'none.jsonl'"),
        (1, "document", "calibration.sources has 'document'; it takes benchmarks that can train"),
        (1, "clips", "'clips', whose samples are videos"),
    ],
)
def test_a_wrong_source_is_a_sentence(n: int, source: str, said: str, tmp_path: Path) -> None:
    own = write(tmp_path, 3)
    with pytest.raises(InputError) as caught:
        list(calibration.draw(n, seed=0, sources=(source.format(own=own),)))
    assert said in str(caught.value)


@pytest.mark.parametrize("n_images", [0, 2])
def test_the_answer_follows_a_prompt_of_any_number_of_pictures(n_images: int, model: LoadedModel) -> None:
    image = calibration.pictures.png(Image.new("RGB", (60, 40), "red"))
    row = {"sample_id": "own-1", "question": "what color?", "answer": "red", "images": [image] * n_images}
    [sample] = calibration_inputs(model, [row])
    text = model.tokenizer.decode(sample["input_ids"][0])
    assert text.endswith("what color?<|assistant|>red<|end|>")
    assert (int(sample.is_visual.sum()) > 0) == (n_images > 0)
    model.model(**sample)
    for key in ("question", "answer"):
        with pytest.raises(InputError, match="calibration sample 'own-1' cannot be"):
            list(calibration_inputs(model, [row | {key: "<|end|>"}]))


def set_sources(checkout: Path, sources: str) -> None:
    params = checkout / "params.yaml"
    params.write_text(params.read_text().replace("sources: [documents, easy_vqa]", f"sources: {sources}"))


def stage(checkout: Path, name: str) -> str:
    done = run(checkout, "-m", f"stages.{name}")
    assert done.returncode in (0, 2), done.stderr[-2000:]
    return done.stderr


def test_a_graded_picture_is_refused_also_when_it_was_saved_anew(checkout: Path) -> None:
    assert stage(checkout, "samples") == ""
    write(checkout / "own", 4)
    set_sources(checkout, "[own/own.jsonl, pages]")
    assert stage(checkout, "calibration") == ""
    assert len(TABLE.read(checkout / "data/calibration.parquet")) == 4

    [asked, *_] = samples.TABLE.read(checkout / "data/samples/documents.parquet").to_pylist()
    for index in range(4):
        with Image.open(io.BytesIO(asked["images"][0])) as image:
            image.convert("RGBA").save(checkout / f"own/{index}.png", compress_level=1)
    said = stage(checkout, "calibration")
    assert "shows or asks what documents 00000 grades" in said
    assert "calibration sample 'own/own.jsonl-row-0000" in said
    assert said.count("\n") == 1


def test_dvc_notices_an_edit_of_a_file_and_of_a_picture(checkout: Path) -> None:
    write(checkout / "own", 4)
    set_sources(checkout, "[own/own.jsonl, pages]")
    (checkout / "stages/calibration.py").write_text(RECORD)
    (checkout / "stages/samples.py").write_text("from pathlib import Path; Path('data/samples').mkdir(parents=True)")

    def ran() -> bool:
        done = run(checkout, "-m", "dvc", "repro", "calibration")
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
        return "calibration ran" in done.stdout

    assert ran()
    with (checkout / "own/own.jsonl").open("a") as file:
        file.write("\n")
    assert [ran(), ran()] == [True, False]
    for path in (checkout / "own").glob("*.png"):
        shutil.copy(ROOT / "tests/__init__.py", path)
    assert ran()
