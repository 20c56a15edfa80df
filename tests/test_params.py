"""params.yaml: a typo in a key is an error, not a default."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.params import load, read
from leanvlm.pipeline.profile import choose_profile, list_checkpoints

OWN = Path(__file__).parents[1] / "params.yaml"


def changed(folder: Path, old: str, new: str) -> Path:
    text = OWN.read_text()
    assert old in text
    path = folder / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_own_file_is_right() -> None:
    assert "controls/full" in load(OWN).grid.recipes


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("benchmarks: [", "benchmrks: [", "no key 'benchmrks'"),
        ("tally: {resamples: 1000", "tally: {resample: 1000", "no key 'resample'.*resamples"),
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
        ('  weights-wanda-50: "weights/wanda@50%"\n', "", "needs a checkpoint.*run `make repro`, which adds it"),
        ("answer:\n", "answer: [\n", "not YAML"),
        ("tally:", "grid: {}\ntally:", "duplicate key .grid.* in line"),
        ("workers: 2", "workers: 0", "it must be 1 or more"),
        ("new_tokens: 16", "new_tokens: 1", "it must be 2 or more"),
        ("dtype: float32", "dtype: float8", "answer.dtype 'float8'"),
        ("device: cpu", "device: gpu", "answer.device is 'gpu'"),
        ("easy_vqa, documents", "easy_vqa, easy_vqa", "'easy_vqa' is listed twice"),
        ("benchmark: documents", "benchmark: document", "no benchmark 'document'"),
        ('"cache/snapkv@10%:shared=true"', '"cache/snapkv@10%:kernel=0"', "kernel=0; it must be 1 or more"),
        ('"cache/snapkv@10%:shared=true"', '"cache/h2o@10%:recent_share=2"', "recent_share=2; it must be from 0 to 1"),
        ('"cache/snapkv@10%:shared=true"', '"cache/vlcache@10%:uniform=nan"', "uniform=nan; it must be from 0 to 1"),
        ('"cache/snapkv@10%:shared=true"', '"tokens/fastv@10%:layer=0"', "layer=0; it must be 1 or more"),
    ],
)
def test_wrong_params_are_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        load(changed(tmp_path, old, new))
    assert "\n" not in str(error.value)


def test_the_profile_decides_which_recipes_run(tmp_path: Path) -> None:
    default = load(OWN).grid
    whole = read(changed(tmp_path, "profile: default", "profile: all")).grid
    assert default.chosen == default.recipes
    assert whole.chosen == default.recipes + default.more
    with pytest.raises(InputError, match="must be default or all"):
        load(changed(tmp_path, "profile: default", "profile: most"))


def test_the_checkpoints_are_those_that_the_profiles_recipes_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(tmp_path, "profile: default", "profile: all")
    with pytest.raises(InputError, match="needs a checkpoint"):
        load(path)
    list_checkpoints(path)
    weights = load(path).weights
    assert weights.items() > load(OWN).weights.items()
    assert weights["weights-magnitude-2-4"] == "weights/magnitude@2:4"
    assert not [text for text in weights.values() if "fastv" in text]  # what acts on tokens needs none of its own
    assert f"lists the {len(weights)} checkpoints" in capsys.readouterr().out
    path.write_text(path.read_text().replace("profile: all", "profile: default"))
    list_checkpoints(path)
    assert path.read_text() == OWN.read_text()


def test_two_checkpoints_of_one_name_are_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, "profile: default", "profile: all")
    path.write_text(path.read_text().replace("weights/wanda@80%", "weights/wanda@2.4%"))
    with pytest.raises(InputError, match=r"'weights/wanda@2\.4%' and 'weights/wanda@2:4' would share the file name"):
        list_checkpoints(path)


def test_a_grid_without_weights_methods_needs_no_checkpoint(tmp_path: Path) -> None:
    path = changed(tmp_path, '    - "weights/wanda@50%"\n    - "weights/gptq@w4a16-g128"\n', "")
    list_checkpoints(path)
    assert load(path).weights == {}


def test_a_profile_is_chosen_where_dvc_and_people_see_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(tmp_path, "grid:", "grid:")
    monkeypatch.chdir(tmp_path)
    choose_profile("all")
    assert load(Path("params.yaml")).grid.profile == "all"
    choose_profile("default")
    assert Path("params.yaml").read_text() == OWN.read_text()
    with pytest.raises(InputError, match="no profile 'most'; choose default or all"):
        choose_profile("most")


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="repository's root"):
        load(tmp_path / "params.yaml")
