"""A checkpoint on this machine as the judge: it is asked once, and what it cannot take is told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from leanvlm import answer, files, load
from leanvlm.errors import InputError
from leanvlm.judging import _here, mmvet
from leanvlm.judging._ask import judge_all
from leanvlm.params import read
from leanvlm.params.judges import LocalJudge
from tests.judging import asked

ROOT = Path(__file__).parents[2]
EMBEDDED = LocalJudge(str(ROOT / files.EMBEDDED))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 48), "red").save(file, "PNG")
    return file.getvalue()


def test_it_says_what_the_model_says_of_the_same_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two answers alike one message is made; the reply is the model's own, greedy, to task and material."""
    one = asked.answer("a dog")
    system, user = mmvet.messages(one.asked)
    said = answer(load(EMBEDDED.checkpoint), [], f"{system['content']}\n\n{user['content']}", max_new_tokens=16)
    first = judge_all(EMBEDDED, [one, one])
    assert [row["reply"] for row in first.rows] == [str(said)] * 2
    assert {(row["endpoint"], row["judge_model"]) for row in first.rows} == {
        ("this machine, cpu, float32", EMBEDDED.checkpoint)
    }
    assert [row["grade"] for row in first.rows] == [mmvet.read(str(said), one.asked)] * 2
    assert (first.n_stored, first.dollars) == (0, 0)
    monkeypatch.setattr(_here, "load_model", None)  # nothing is left to be asked
    again = judge_all(EMBEDDED, [one, one])
    assert (again.rows, again.n_stored) == (first.rows, 2)


def test_it_sees_pictures_where_the_wording_shows_them() -> None:
    shown = asked.answer("a dog", name="imagedc", images=(picture(),))
    [row] = judge_all(EMBEDDED, [shown]).rows
    hidden = asked.answer("a dog", images=(picture(),))
    [other] = judge_all(EMBEDDED, [hidden]).rows
    assert ["sha256:" in one["messages"] for one in (row, other)] == [True, False]
    [unseen] = judge_all(EMBEDDED, [asked.answer("a dog", name="imagedc")]).rows
    assert row["tokens_in"] > unseen["tokens_in"]


def test_another_checkpoint_or_dtype_is_asked_anew() -> None:
    places = {_here.identity(EMBEDDED), _here.identity(LocalJudge(EMBEDDED.checkpoint, dtype="bfloat16"))}
    assert len(places) == 2
    with pytest.raises(InputError, match="no folder 'nowhere'"):
        judge_all(LocalJudge("nowhere"), [asked.answer("a dog")])


def test_a_message_that_is_too_long_is_ungraded_and_says_so() -> None:
    long, short = asked.answer("dog " * 3000), asked.answer("a dog")
    first, second = judge_all(EMBEDDED, [long, short]).rows
    assert (first["grade"], first["reply"]) == (None, None)
    assert first["problem"].startswith("the judge cannot be asked: ")
    assert second["reply"] is not None


def test_params_yaml_tells_a_checkpoint_from_an_endpoint(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text().replace("judge: null", "judge: {checkpoint: folder, dtype: bfloat16}")
    (tmp_path / "params.yaml").write_text(text)
    assert read(tmp_path / "params.yaml").judge == LocalJudge("folder", dtype="bfloat16")
    (tmp_path / "params.yaml").write_text(text.replace("dtype: bfloat16}", "endpoint: x}"))
    with pytest.raises(InputError, match="judge has no key 'endpoint'; it knows: checkpoint, dtype, device"):
        read(tmp_path / "params.yaml")
