"""Nothing that a person writes into params.yaml or on a command line is run by a shell or read as an option of DVC."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.pipeline import reproduce
from tests.checkouts import ROOT, run

HOSTILE = ("$(touch ran)", "`touch ran`", "; touch ran;", r"a\ntouch ran", "> ran", "--help", "../up", "/a")
CALL = (
    "sys.argv = ['reproduce', *{}];"
    "from leanvlm import errors; from leanvlm.pipeline import reproduce; errors.exit_on_error(reproduce.main)"
)
STAND_IN = "import sys; print(sys.argv[1:]); open('called', 'w').close()"


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A checkout whose `compress` has what it reads, and notes that it is called."""
    (checkout / "stages/compress.py").write_text(STAND_IN)
    (checkout / "data").mkdir()
    (checkout / "data/calibration.parquet").touch()
    (checkout / "artifacts/entrances/embedded").mkdir(parents=True)
    (checkout / "artifacts/sources").mkdir()
    (checkout / "artifacts/sources/embedded.json").touch()
    return checkout


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("models: [embedded]", "models: ['$(touch ran)']"),
        ("  embedded: {", "  '$(touch ran)': {"),
        ("weights/wanda@50%", "weights/wanda@50%$(touch ran)"),
        ("grid:", "weights: {'$(touch ran)': 'weights/wanda@50%'}\ngrid:"),
        ("grid:", "checkpoints: {models: ['$(touch ran)'], weights: ['$(touch ran)']}\ngrid:"),
        ("grid:", "checkpoints: {weights: {'$(touch ran)': 'weights/wanda@50%'}}\ngrid:"),
        ("grid:", "checkpoints: {recipes: {'$(touch ran)': 'weights/wanda@50%'}}\ngrid:"),
    ],
)
def test_dvc_alone_runs_nothing_that_params_hold(old: str, new: str, ready: Path) -> None:
    rewrite(ready, old, new)
    run(ready, "-m", "dvc", "repro", "--single-item", "compress")
    assert not list(ready.rglob("ran"))


def test_dvc_alone_calls_the_stage_with_listed_names(ready: Path) -> None:
    done = run(ready, "-m", "dvc", "repro", "--single-item", "compress")
    assert "['embedded', 'weights-gptq-w4a16-g128']" in done.stdout
    assert (ready / "called").exists()  # so the test above would see a name that a shell runs


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stop_before_dvc(name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("DVC ran")

    monkeypatch.chdir(checkout)
    monkeypatch.setattr(reproduce, "_run", refuse)
    before = Path("artifacts/checkpoints.yaml").read_bytes()
    rewrite(checkout, "models: [embedded]", f'models: ["{name}"]')
    with pytest.raises(InputError, match=r"grid\.models\[0\] is .*; it must be a name"):
        reproduce.run_dvc([])
    assert Path("artifacts/checkpoints.yaml").read_bytes() == before


@pytest.mark.parametrize("target", ["--force", "-R", "--", "", "-", "$(touch ran)", "a b", "a\0b", "../dvc.yaml", "/a"])
def test_options_are_no_targets(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^no stage .*, and no options$"):
        reproduce.run_dvc(["compress", target])


@pytest.mark.parametrize("words", [["--force"], ["--", "--force"], ["samples", "-R"], ["-f", "samples"]])
def test_options_on_the_command_line_are_one_sentence(words: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {CALL.format(words)}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no stage '-" in done.stderr


def test_a_misspelt_stage_is_refused_with_the_one_that_was_meant(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(reproduce, "_run", lambda *_: pytest.fail("DVC ran"))
    with pytest.raises(InputError, match=r"^no stage 'tallly' \(perhaps tally\); the stages are embedded, fetch, "):
        reproduce.run_dvc(["tallly"])


def test_a_model_without_its_folder_is_refused_before_dvc(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(reproduce, "_run", lambda *_: pytest.fail("DVC ran"))
    rewrite(checkout, "checkpoint: artifacts/models/embedded", "checkpoint: /models/llava")
    with pytest.raises(InputError, match=r"^models\.embedded\.checkpoint is '/models/llava', and there is no config"):
        reproduce.run_dvc([])
