"""params.yaml: a typo in a key is an error, not a default."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.models._hub import is_id
from leanvlm.params import load, read
from leanvlm.params._profiles import blank, laid_text, names, over
from leanvlm.pipeline.profile import lay, list_checkpoints

OWN = Path(__file__).parents[1] / "params.yaml"


def changed(folder: Path, old: str, new: str) -> Path:
    text = OWN.read_text()
    assert old in text
    path = folder / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_own_file_is_right() -> None:
    assert "controls/full" in load(OWN).grid.recipes


def test_a_cluster_whose_package_is_missing_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leanvlm.params._names.find_spec", lambda name: None)
    path = changed(tmp_path, "cluster: null", "cluster: {runner: ray, workers: 2}")
    with pytest.raises(InputError, match=r'not installed; run: pip install "leanvlm\[ray\]", or set cluster to null'):
        load(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("benchmarks: [", "benchmrks: [", "no key 'benchmrks'"),
        ("tally: {resamples: 1000", "tally: {resample: 1000", "no key 'resample'.*resamples"),
        ("cluster: null", "cluster: {runner: spark, workers: 2}", "cluster.runner is 'spark'; it must be dask or ray"),
        ("cluster: null", "cluster: {runner: dask}", "cluster needs either the address .* or a number of workers"),
        ("cluster: null", "cluster: {runner: dask, address: 'h:1', workers: 2}", "cluster needs either the address"),
        ("cluster: null", "cluster: {runner: dask, address: 'h;rm:1'}", "cluster.address is 'h;rm:1'; it must be tcp:"),
        ("cluster: null", "cluster: {runner: dask, address: 'host'}", "cluster.address is 'host'; it must be tcp:"),
        ("cluster: null", "cluster: {runner: dask, workers: 5000}", "cluster.workers is 5000; it must be from 0 to"),
        (
            "cluster: null",
            "cluster: {runner: ray, address: 'tcp://h:1'}",
            "which is one of Dask's; Ray's are HOST:PORT",
        ),
        ("sources: [documents,", "sources: documents}  # [", "calibration.sources is 'documents'; it must be a list"),
        ("max_new_tokens: 48", "max_new_tokens: many", "must be a whole number"),
        ("easy_vqa, documents", "easy_vqa, documentz", "no benchmark 'documentz'"),
        ("models: [embedded]", "models: [embeded]", "no model 'embeded'"),
        ('"tokens/fastv@10%"', '"tokens/fastv@0%"', "cannot keep '0%'"),
        ('"tokens/fastv@10%"', '"tokens/fastv@150%"', "cannot keep '150%'"),
        ('"tokens/fastv@10%"', '"tokens/fastvv@10%"', "no method 'tokens/fastvv'"),
        ('"tokens/fastv@10%"', '"tokens/visionzip@10.0%"', "is listed twice"),
        ('"tokens/fastv@10%"', "124", "quoted text"),
        ('    - "controls/full"\n', "", "lacks 'controls/full'"),
        ("answer:\n", "answer: [\n", "not YAML"),
        ("tally:", "grid: {}\ntally:", "duplicate key .grid.* in line"),
        ("tally:", "\ttally:", "not YAML .* in line"),
        ("embedded: {", "embedded: &one {", r"an anchor \(& or \*\) in line"),
        ("n: 100, seed", "n: !!int 100, seed", r"a tag \(!\) in line"),
        ("benchmarks: {}", "benchmarks: " + "[" * 30 + "]" * 30, "more than 20 blocks in one another"),
        ('"controls/blind"', '"' + "x" * 2000 + '"', "a value of more than 1000 characters"),
        ("models: [embedded]", "models: []", r"grid.models is \[\]; it must be a list of one or more"),
        ("models: [embedded]", "models: ['$(touch x)']", r"grid.models\[0\] is '\$\(touch x\)'; it must be a name"),
        ("models: [embedded]", "models: ['../embedded']", r"grid.models\[0\] is '../embedded'; it must be a name"),
        ("models: [embedded]", "models: ['--force']", r"grid.models\[0\] is '--force'; it must be a name"),
        ("  embedded: {check", "  /etc: {check", "a key of params.yaml.models is '/etc'; it must be a name"),
        ("  embedded: {check", "  other: {architecture: lava, checkpoint: a}\n  embedded: {check", "no model 'lava'"),
        ("checkpoint: artifacts/models/embedded", "checkpoint: ''", "checkpoint is ''; it must be a folder"),
        ("benchmarks: [easy_vqa, documents, charts, scenes, pages]", "benchmarks: []", "grid.benchmarks is"),
        ("benchmarks: [easy_vqa, documents, charts", "benchmarks: [easy_vqa, charts", "which grid.benchmarks lacks"),
        ("benchmarks: {}", "benchmarks: {documents: {lines: [4, 2]}}", "benchmarks.documents cannot be drawn"),
        ("benchmarks: {}", "benchmarks: {documents: {lines: [1, 99]}}", "benchmarks.documents cannot be drawn"),
        ("benchmarks: {}", "benchmarks: {documents: {rows: 1000000}}", "rows 1000000; it must be from 0 to"),
        (
            "benchmarks: {}",
            "benchmarks: {documents: {rows: true}}",
            "rows is True; it must be a whole number",
        ),
        ("benchmarks: {}", "benchmarks: {charts: {tops: []}}", "benchmarks.charts cannot be drawn"),
        (
            "benchmarks: {}",
            "benchmarks: {clips: {fps: .nan}}",
            "clips.fps is nan; it must be a finite number",
        ),
        ("documents, charts, scenes, easy_vqa]}", "pagez]}", "calibration.sources has 'pagez'; it takes benchmarks"),
        (
            "documents, charts, scenes, easy_vqa]}",
            "own.json]}",
            "'own.json'; .* paths that end in .jsonl, .parquet or .csv",
        ),
        ("documents, charts, scenes, easy_vqa]}", "'']}", "sources.0. is ''; it must be a benchmark, or a path"),
        ("documents, charts, scenes, easy_vqa]}", "]}", "calibration.sources is"),
        ("n: 32, seed: 0", "n: 32, seed: 10000000", "calibration.seed is 10000000; it must be from 0 to 9999999"),
        ("n: 100, seed: 0", "n: true, seed: 0", "samples.n is True; it must be a whole number"),
        ("n: 100, seed: 0", "n: 1e3, seed: 0", "samples.n is 1000.0; it must be a whole number"),
        ("n: 100, seed: 0", "n: 0x" + "f" * 900 + ", seed: 0", "samples.n is .* it must be from 1 to 100000"),
        ("resamples: 1000", "resamples: 1e10", "tally.resamples is 1.*; it must be a whole number"),
        ("resamples: 1000", "resamples: 10000000000", "tally.resamples is 1.*; it must be from 1 to 100000"),
        ("resamples: 1000, seed: 0", "resamples: 1000, seed: -1", "tally.seed is -1; it must be from 0"),
        ("flips: 200", "flips: 201", "report.flips is 201; it must be from 0 to 200"),
        ("tower_minutes: 65", "tower_minutes: .nan", "train.tower_minutes is nan; it must be a finite number"),
        ("tower_minutes: 65", "tower_minutes: -1", "train.tower_minutes is -1; it must be from 0 to 10000"),
        ("charts: {series: [2, 3, 4]}", "charts: {bars: [2, 3]}", "charts has no knob 'bars'; it has: series"),
        ("charts: {series: [2, 3, 4]}", "charts: {series: [2, 900]}", "ablation.knobs.charts.series has"),
        ("charts: {series: [2, 3, 4]}", "charts: {series: [2, 90]}", "ablation.knobs.charts.series cannot be drawn"),
        ("charts: {series: [2, 3, 4]}", "charts: {series: [2]}", "it must be two levels or more, each once"),
        ("charts: {series: [2, 3, 4]}", "charts: {}", "ablation.knobs.charts is {}; it must be a block of one key"),
        ("workers: 2", "workers: 0", "answer.workers is 0; it must be from 1 to 1000"),
        ("features_gb: 10", "features_gb: -1", "answer.features_gb is -1; it must be from 0 to 100000"),
        ("new_tokens: 16", "new_tokens: 1", "it must be from 2 to 32768"),
        ("processes: 5", "processes: 0", "clock.processes is 0; it must be from 1 to 100"),
        ("batch_sizes: [4]", "batch_sizes: [65]", "clock.axes.batch_sizes.0. is 65; it must be from 2 to 64"),
        ("sides: [144]", "sides: [0]", "clock.axes.sides.0. is 0; it must be from 8 to 10000"),
        ("shapes: []", "shapes: [qwen2-vl-8b]", "no shape 'qwen2-vl-8b' .perhaps qwen2-vl-7b"),
        ("  dtype: float32", "  dtype: float8", "answer.dtype 'float8'"),
        ("  device: cpu", "  device: gpu", "answer.device is 'gpu'"),
        ("{device: cpu", "{device: gpu", "compress.device is 'gpu'"),
        ("dtype: float32}", "dtype: int8}", "compress.dtype 'int8'"),
        ("easy_vqa, documents", "easy_vqa, easy_vqa", "'easy_vqa' is listed twice"),
        ("benchmark: documents", "benchmark: document", "no benchmark 'document'"),
        ('"cache/snapkv@10%"', '"cache/snapkv@10%:kernel=0"', "kernel=0; it must be 1 or more"),
        ('"cache/snapkv@10%"', '"cache/h2o@10%:recent_share=2"', "recent_share=2; it must be from 0 to 1"),
        ('"cache/snapkv@10%"', '"cache/vlcache@10%:uniform=nan"', "uniform=nan; it must be from 0 to 1"),
        ('"cache/snapkv@10%"', '"tokens/fastv@10%:layer=0"', "layer=0; it must be 1 or more"),
    ],
)
def test_wrong_params_are_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        load(changed(tmp_path, old, new))
    assert "\n" not in str(error.value)


def laid(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy params.yaml with the profiles, and lay one over it."""
    path = changed(folder, "grid:", "grid:")
    shutil.copytree(OWN.parent / files.PROFILES, folder / files.PROFILES, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    lay(name)
    return path


def test_a_profile_lies_over_params_and_leaves_the_file_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    default = read(OWN)
    path = laid(tmp_path, "all", monkeypatch)
    assert capsys.readouterr().out == "profiles/all.yaml is laid over params.yaml\n"
    whole = load(path)
    assert len(whole.grid.more) == 76
    assert whole.grid.chosen == default.grid.recipes + whole.grid.more
    changed = {"grid": default.grid, "samples": default.samples, "clock": default.clock}
    assert replace(whole, **changed) == default
    assert path.read_bytes() == OWN.read_bytes()
    assert "- weights/magnitude@80%" in laid_text(tmp_path)
    lay("default")
    assert read(path) == default
    assert laid_text(tmp_path) == ""


@pytest.mark.parametrize("name", names(OWN.parent))
def test_every_profile_can_be_used(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = load(laid(tmp_path, name, monkeypatch))
    if name != "all":
        assert params.grid.models == (name,)
        assert is_id(params.models[name].checkpoint)
        assert "embedded" in params.models  # blocks are laid key by key


def test_values_are_laid_key_by_key_and_lists_as_a_whole() -> None:
    values = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    assert over(values, {"a": {"b": None, "c": [4]}, "d": None, "e": 5}) == {"a": {"b": 1, "c": [4]}, "d": 3, "e": 5}
    assert over(values, blank()) == values


def listed(path: Path) -> dict[str, list[str] | dict[str, str]]:
    """What stands beside a params.yaml for DVC."""
    found: dict[str, list[str] | dict[str, str]] = YAML(typ="safe").load(path.parent / files.NEEDED)["checkpoints"]
    return found


def test_the_checkpoints_are_those_that_the_profiles_recipes_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = laid(tmp_path, "all", monkeypatch)
    list_checkpoints(path)
    weights = load(path).weights
    assert weights.items() > load(OWN).weights.items()
    assert weights["weights-magnitude-2-4"] == "weights/magnitude@2:4"
    assert not [text for text in weights.values() if "fastv" in text]  # what acts on tokens needs none of its own
    asked = {"models": ["embedded"], "recorded": ["embedded"]}
    assert listed(path) == asked | {"weights": sorted(weights), "recipes": weights}
    assert f"lists the {len(weights)} checkpoints" in capsys.readouterr().out
    list_checkpoints(path)
    assert capsys.readouterr().out == ""


def test_the_own_list_is_that_of_the_own_file(tmp_path: Path) -> None:
    list_checkpoints(changed(tmp_path, "grid:", "grid:"))
    assert (tmp_path / files.NEEDED).read_bytes() == (OWN.parent / files.NEEDED).read_bytes()


def test_a_refused_file_leaves_the_list_as_it_was(tmp_path: Path) -> None:
    path = changed(tmp_path, "models: [embedded]", "models: ['$(touch x)']")
    with pytest.raises(InputError, match="must be a name"):
        list_checkpoints(path)
    assert not (tmp_path / files.NEEDED).exists()


FORMER = """
weights:
  weights-gptq-w4a16-g128: "weights/gptq@w4a16-g128"
{between}  weights-wanda-50: "weights/wanda@50%\""""


@pytest.mark.parametrize("between", ["", "\n", "\n  # and\n"])
def test_a_former_block_of_checkpoints_is_told_of_once_and_not_read(
    between: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(tmp_path, "  recipes:\n", '  profile: all\n  recipes:\n    - "weights/magnitude@30%"\n')
    path.write_text(path.read_text() + FORMER.format(between=between))  # the last block, without a line end
    before = path.read_bytes()
    list_checkpoints(path)
    read(path)
    assert sorted(read(path).weights) == ["weights-gptq-w4a16-g128", "weights-magnitude-30", "weights-wanda-50"]
    assert listed(path)["weights"] == sorted(read(path).weights)
    assert path.read_bytes() == before
    said = capsys.readouterr().err
    assert said.count("the key `weights:` is not read any more") == 1
    assert said.count("the key `profile:` is not read any more") == 1


def test_two_checkpoints_of_one_name_are_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, "weights/gptq@w4a16-g128", "weights/wanda@2:4")
    path.write_text(path.read_text().replace("weights/wanda@50%", "weights/wanda@2.4%"))
    with pytest.raises(InputError, match=r"'weights/wanda@2\.4%' and 'weights/wanda@2:4' would share the file name"):
        list_checkpoints(path)


def test_a_grid_without_weights_methods_needs_no_checkpoint(tmp_path: Path) -> None:
    path = changed(tmp_path, '    - "weights/wanda@50%"\n    - "weights/gptq@w4a16-g128"\n', "")
    list_checkpoints(path)
    assert load(path).weights == {}


def test_a_profile_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no profile 'al' \(perhaps all\); the profiles are default, all, i"):
        laid(tmp_path, "al", monkeypatch)
    assert not files.LAID.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 at byte 1"),
        (b"a: \xe9", "is not UTF-8 at byte 4"),
        (b"a: \x00", "is not YAML"),
        (b"", "params.yaml holds no settings; `git diff "),
        (b"a: 1\n---\na: 2", "is not YAML"),
        (b"a: 2001-99-99", "is not YAML"),
        (b"#" * 1_000_001, "is larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_yaml_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        load(path)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="repository's root"):
        load(tmp_path / "params.yaml")
