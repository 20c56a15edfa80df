"""Where a public set is found, in the hub's cache under either name or in a folder, and what is refused there."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub.utils import filter_repo_objects

from leanvlm import plugins
from leanvlm.benchmarks import ai2d, docvqa, gqa, mmstar
from leanvlm.errors import InputError
from leanvlm.hub_sets.shards import Split
from tests.benchmarks import public, public_sets
from tests.benchmarks.public import COMMIT, write

NEW, OLD = docvqa.Benchmark.ids
OTHER = "0" * 40
SHARD = "DocVQA/validation-0000{}-of-00003.parquet"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    folder.mkdir()
    public.look_in(folder, monkeypatch)
    return folder


@pytest.fixture
def snapshot(hub: Path) -> Path:
    """DocVQA in the cache, in three shards."""
    return write(hub, NEW, public_sets.docvqa())


def ids(benchmark: Any, n: int = 100) -> set[str]:
    assert benchmark.missing() is None
    return {sample.sample_id for sample in benchmark.samples(n, seed=0)}


EVERY = {str(500 + n) for n in range(9)}


@pytest.mark.parametrize("name", [NEW, OLD])
def test_a_set_is_found_under_both_names_of_its_owners(hub: Path, name: str) -> None:
    write(hub, name, public_sets.docvqa())
    assert ids(docvqa.Benchmark()) == EVERY


def test_of_both_names_the_one_that_has_the_split_is_read(hub: Path) -> None:
    new = write(hub, NEW, {"DocVQA/test-00000-of-00001.parquet": public_sets.docvqa()[SHARD.format(0)]})
    old = write(hub, OLD, public_sets.docvqa())
    assert all(path.is_relative_to(old) for path in docvqa.Benchmark().files())
    shutil.copytree(old / "DocVQA", new / "DocVQA", dirs_exist_ok=True)
    assert all(path.is_relative_to(new) for path in docvqa.Benchmark().files())


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: Path) -> None:
    write(hub, NEW, {SHARD.format(0).replace("of-00003", "of-00001"): public_sets.docvqa()[SHARD.format(0)]})
    write(hub, NEW, public_sets.docvqa(), commit=OTHER)
    references = hub / f"datasets--{NEW.replace('/', '--')}/refs"
    (references / "v1").write_text(COMMIT)
    sizes = [len(ids(docvqa.Benchmark(revision=one))) for one in ("main", OTHER, COMMIT, "v1")]
    assert sizes == [9, 9, 3, 3]
    assert "--revision v2" in str(docvqa.Benchmark(revision="v2").missing())


def test_a_snapshot_without_references_is_read_if_it_is_the_only_one(hub: Path, snapshot: Path) -> None:
    shutil.rmtree(snapshot.parents[1] / "refs")
    assert ids(docvqa.Benchmark()) == EVERY
    (snapshot.parent / OTHER).mkdir()
    with pytest.raises(InputError, match="has 2 snapshots and no refs/main; name a commit as `revision`"):
        docvqa.Benchmark().missing()
    assert ids(docvqa.Benchmark(revision=COMMIT)) == EVERY


def test_a_damaged_reference_is_refused(snapshot: Path) -> None:
    (snapshot.parents[1] / "refs/main").write_text("../../elsewhere")
    with pytest.raises(InputError, match="refs/main holds no commit; fetch"):
        docvqa.Benchmark().missing()


@pytest.mark.parametrize("layout", ["DocVQA", "."])
def test_a_folder_is_read_as_the_repository_is_or_flat(hub: Path, tmp_path: Path, snapshot: Path, layout: str) -> None:
    folder = tmp_path / "local dir"
    shutil.copytree(snapshot / "DocVQA", folder / layout)
    (folder / ".cache/huggingface").mkdir(parents=True)  # as `hf download --local-dir` leaves it
    shutil.rmtree(hub)
    assert ids(docvqa.Benchmark(folder=str(folder))) == EVERY


def test_columns_that_nobody_asks_for_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "mmstar.parquet").parent.mkdir(exist_ok=True)
    rows = public_sets.mmstar()["mmstar.parquet"].drop_columns(["meta_info", "category"])
    pq.write_table(rows.append_column("new", pa.array([1] * len(rows))), tmp_path / "mmstar.parquet")
    assert ids(mmstar.Benchmark(folder=str(tmp_path))) == set("0123")


@pytest.mark.parametrize("one", public_sets.ALL, ids=lambda one: one.__name__)
def test_what_is_missing_comes_with_the_command_that_fetches_its_files(
    hub: Path, one: Callable[[], public_sets.Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub.cli import download
    from huggingface_hub.cli.hf import app

    benchmark = plugins.load("benchmarks", one.__name__)(revision="v1.0")
    reason = benchmark.missing()
    command = reason.partition("fetch it with: ")[2].partition("; ")[0]
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(download, "snapshot_download", lambda **options: asked.append(options) or "")
    app(shlex.split(command)[1:], standalone_mode=False)
    assert (asked[0]["repo_id"], asked[0]["repo_type"]) == (benchmark.ids[0], "dataset")
    assert asked[0]["revision"] == "v1.0"
    files = [*one(), "README.md", "data/train-00000-of-00001.parquet"]
    assert set(filter_repo_objects(files, allow_patterns=asked[0]["allow_patterns"])) == set(one())


def test_a_folder_that_is_not_there_is_fetched_into(hub: Path) -> None:
    reason = docvqa.Benchmark(folder="my data; rm -rf x").missing()
    assert reason is not None
    assert "is not in the folder 'my data; rm -rf x'" in reason
    assert "--local-dir 'my data; rm -rf x'" in reason


def lose_shard(snapshot: Path) -> None:
    (snapshot / SHARD.format(1)).unlink()


def lose_blob(snapshot: Path) -> None:
    (snapshot / SHARD.format(1)).resolve().unlink()


def add_upload(snapshot: Path) -> None:
    shutil.copy(snapshot / SHARD.format(1), snapshot / SHARD.format(1).replace("of-00003", "of-00002"))


def add_twin(snapshot: Path) -> None:
    shutil.copy(snapshot / SHARD.format(1), snapshot / SHARD.format(1).replace(".parquet", "-0123456789abcdef.parquet"))


def cut(snapshot: Path) -> None:
    path = (snapshot / SHARD.format(1)).resolve()
    path.write_bytes(path.read_bytes()[:-20])


def change(column: str, values: list[Any] | None, kind: Any = None) -> Callable[[Path], None]:
    """Write other values into a column of the second shard, or leave it out."""

    def edit(snapshot: Path) -> None:
        path = (snapshot / SHARD.format(1)).resolve()
        rows = pq.read_table(path)
        index = rows.column_names.index(column)
        kind_now = kind or rows.schema.field(column).type
        others = rows.remove_column(index)
        changed = others if values is None else others.append_column(column, pa.array(values, kind_now))
        pq.write_table(changed, path)

    return edit


WHOLE, SECOND = public.img(1), r"validation-00001-of-00003\.parquet"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a shard is missing": (
        lose_shard,
        f"^{SECOND} is missing, and a part is not graded as the whole; fetch it into ",
    ),
    "a link to nothing": (lose_blob, f"{SECOND} is a link to nothing"),
    "two uploads": (add_upload, "there are shards of validation from two uploads; leave those of one in"),
    "a shard twice": (add_twin, "there are shards of validation from two uploads; leave those of one in"),
    "a file is cut": (cut, f"{SECOND} cannot be read"),
    "a column is missing": (change("answers", None), f"{SECOND} lacks the column answers; name a `revision`"),
    "a column of pictures is missing": (change("image", None), f"{SECOND} lacks the column image"),
    "a row without picture": (change("image", [WHOLE, None, WHOLE]), f"{SECOND} row 1: its image is null"),
    "a row with no picture's bytes": (
        change("image", [{"bytes": None, "path": "a.png"}, WHOLE, WHOLE]),
        f"{SECOND} row 0: its image is one dict without a picture's bytes",
    ),
    "a path for a picture": (
        change("image", ["a.png"] * 3, pa.string()),
        f"{SECOND} row 0: its image is one str without a picture's bytes",
    ),
    "a question is null": (
        change("question", ["?", "?", None]),
        f"{SECOND} row 2: its question is None; it must be a text",
    ),
    "a question is a number with decimals": (
        change("question", [0.5] * 3, pa.float64()),
        f"{SECOND} row 2: its question is 0.5; it must be a text",
    ),
    "answers are one text": (
        change("answers", ["x"] * 3, pa.string()),
        f"{SECOND} row 2: its answers is 'x'; it must be a list of texts",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_incomplete_or_damaged_is_refused_by_file_and_row(snapshot: Path, damage: str) -> None:
    act, said = DAMAGES[damage]
    act(snapshot)
    with pytest.raises(InputError, match=said):
        list(docvqa.Benchmark().samples(100, seed=0))


def test_a_picture_that_cannot_be_decoded_is_refused_with_its_sample(snapshot: Path) -> None:
    change("image", [WHOLE, {"bytes": b"GIF89a", "path": None}, WHOLE])(snapshot)
    bad = {sample.sample_id: sample for sample in docvqa.Benchmark().samples(100, seed=0)}["504"]
    with pytest.raises(InputError, match="sample '504': its picture"):
        bad.encoded()


def test_a_question_whose_photo_is_not_there_is_refused(hub: Path) -> None:
    files = public_sets.gqa()
    photos = next(name for name in files if "images" in name)
    write(hub, gqa.Benchmark.ids[0], files | {photos: files[photos].slice(0, 1)})
    with pytest.raises(InputError, match="its imageId is 'n0'; it must be an id of testdev_balanced_images/testdev"):
        list(gqa.Benchmark().samples(100, seed=0))


def test_a_set_of_which_the_photos_are_missing_is_missing(hub: Path) -> None:
    files = {name: rows for name, rows in public_sets.gqa().items() if "instructions" in name}
    write(hub, gqa.Benchmark.ids[0], files)
    assert "testdev_balanced_images/testdev*.parquet" in str(gqa.Benchmark().missing())


@pytest.fixture
def converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's own conversion of AI2D, of which the card counts four rows."""
    monkeypatch.setattr(ai2d.Benchmark, "splits", (Split("test", "test", rows=4),))
    rows = public_sets.ai2d()["test.parquet"]
    folder = tmp_path / "default/test"
    folder.mkdir(parents=True)
    for n in (0, 1):
        pq.write_table(rows.slice(2 * n, 2), folder / f"000{n}.parquet")
    return folder


def test_the_hubs_conversion_is_read_in_the_order_of_its_files(converted: Path) -> None:
    assert ids(ai2d.Benchmark(folder=str(converted.parents[1]))) == {"0000", "0001", "0002", "0003"}


@pytest.mark.parametrize(
    ("lose", "said"),
    [("0000", "0000.parquet is missing in .*, and a part"), ("0001", "has 2 rows of 4, and a part is not graded")],
)
def test_a_conversion_without_a_file_is_refused(converted: Path, lose: str, said: str) -> None:
    (converted / f"{lose}.parquet").unlink()
    with pytest.raises(InputError, match=said):
        ai2d.Benchmark(folder=str(converted.parents[1])).missing()


def test_a_conversion_that_the_hub_cut_is_refused(converted: Path) -> None:
    converted.rename(converted.with_name("partial-test"))
    with pytest.raises(InputError, match="partial-test is a part of the split, at which the hub's conversion ends"):
        ai2d.Benchmark(folder=str(converted.parents[1])).missing()
