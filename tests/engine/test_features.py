"""A kept vision pass changes no bit, and what is not that of the same weights, picture and code is not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from leanvlm.engine import prepare, sweep
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny

TEXTS = ("controls/full", "controls/downsample@40%", "cache/snapkv@30%", "controls/random_tokens@30%")
RECIPES = [parse(text) for text in TEXTS]
SAMPLES = [Sample(sample_id=name, question=name, images=tuple(tiny.pictures(name))) for name in tiny.PROMPTS]
N_SHOWN = 2  # pictures that a sample's recipes show: as they are, and fewer pixels of them


@pytest.fixture(params=list(tiny.BUILDERS))
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


@pytest.fixture
def llava() -> Any:
    return tiny.build("llava")


def store(folder: Path, *, most_bytes: int = 10**8, code: str = "a") -> FeatureStore:
    return FeatureStore(folder / "features" / code, (("code", code),), most_bytes)


@contextmanager
def seen(n: int) -> Iterator[None]:
    """Count vision passes."""
    passes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "run_vision", lambda *args, **named: (passes.append(1), run_vision(*args, **named))[1])
        yield
    assert len(passes) == n


def answers(model: Any, features: FeatureStore | None, asked: list[Sample] = SAMPLES) -> list[Any]:
    return list(sweep.answer_all(model, asked, RECIPES, limit=6, features=features))


def test_answers_are_the_same_with_and_without(model: Any, tmp_path: Path) -> None:
    plain = answers(model, None)
    with seen(N_SHOWN * len(SAMPLES)):
        assert answers(model, store(tmp_path)) == plain
    with seen(0):
        assert answers(model, store(tmp_path)) == plain
    with seen(N_SHOWN * len(SAMPLES)):
        answers(model, store(tmp_path, code="b"))


def test_a_prompt_comes_back_to_the_bit(model: Any, tmp_path: Path) -> None:
    made = run_vision(model, model.inputs(tiny.pictures("two"), "two"))
    kept = store(tmp_path)
    kept.prompt(model, SAMPLES[1], None, lambda: made)
    again = kept.prompt(model, SAMPLES[1], None, never)
    assert (again.spans, again.n_visual) == (made.spans, made.n_visual)
    assert again.embeds.dtype == made.embeds.dtype
    for name in ("embeds", "positions", "is_visual", "is_patch", "index"):
        assert torch.equal(getattr(again, name), getattr(made, name))
    assert len(again.added) == len(made.added)
    assert all(map(torch.equal, again.added, made.added))
    assert (again.masks is None) == (made.masks is None)
    for name, mask in (made.masks or {}).items():
        assert again.masks is not None
        assert torch.equal(again.masks[name], mask) if mask is not None else again.masks[name] is None


def never() -> Prompt:
    raise AssertionError("the vision pass was kept")


def test_a_method_that_listens_to_the_tower_sees_for_itself(llava: Any, tmp_path: Path) -> None:
    listening = [parse("tokens/visionzip@30%"), parse("controls/full")]
    for _ in range(2):
        with seen(1):
            list(sweep.answer_all(llava, SAMPLES[:1], listening, limit=2, features=store(tmp_path)))
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("part", ["vision_tower", "projector", "embed_tokens"])
def test_other_weights_below_the_decoder_are_noticed(llava: Any, tmp_path: Path, part: str) -> None:
    answers(llava, store(tmp_path))
    other = tiny.build("llava")
    name, weight = next((n, w) for n, w in other.model.named_parameters() if part in n and w.ndim > 1)
    weight.data.view(-1)[-1] += 1e-3
    with seen(N_SHOWN * len(SAMPLES)):
        answers(other, store(tmp_path))
    assert name


def test_other_weights_of_the_decoder_are_not(llava: Any, tmp_path: Path) -> None:
    answers(llava, store(tmp_path))
    other = tiny.build("llava")
    for weight in other.text.layers.parameters():
        weight.data.mul_(0.9)
    with seen(0):
        found = answers(other, store(tmp_path))
    assert found == answers(other, None) != answers(llava, None)


def test_another_sample_dtype_or_limit_of_pixels_is_noticed(llava: Any, tmp_path: Path) -> None:
    answers(llava, store(tmp_path), SAMPLES[:1])
    one = SAMPLES[0]
    for other in (replace(one, images=(one.images[0].rotate(0).resize((9, 8)),)), replace(one, fps=2.0)):  # type: ignore[union-attr]
        key = store(tmp_path)._key
        assert key(llava, other, None) != key(llava, one, None)
    with seen(0):
        answers(llava, store(tmp_path), [replace(one, sample_id="renamed")])
    llava.max_pixels = 10**6
    with seen(N_SHOWN):
        answers(llava, store(tmp_path), SAMPLES[:1])
    llava.model.bfloat16()
    del llava.vision_hash  # it is of the weights as they were loaded
    assert "bfloat16" in store(tmp_path)._key(llava, one, None)


@pytest.mark.parametrize("reason", ["are damaged", "were altered", "were made of other inputs"])
def test_a_file_that_is_not_what_it_was_is_named_and_made_anew(
    llava: Any, tmp_path: Path, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = answers(llava, store(tmp_path))
    first, other = sorted(tmp_path.rglob("*.safetensors"))[:2]
    whole = first.read_bytes()
    if reason == "are damaged":
        first.write_bytes(whole[:-40])
    elif reason == "were altered":
        tensors = load_file(first)
        tensors["embeds"][0, 0, 0] += 1
        save_file(tensors, first, metadata(first))
    else:
        first.write_bytes(other.read_bytes())
    with seen(1):
        assert answers(llava, store(tmp_path)) == plain
    said = capsys.readouterr().out
    assert f"in {first} {reason}" in said
    assert "they are made anew" in said
    with seen(0):
        assert answers(llava, store(tmp_path)) == plain
    assert capsys.readouterr().out == ""


def metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def test_no_more_is_stored_than_there_is_room_for(llava: Any, tmp_path: Path) -> None:
    answers(llava, store(tmp_path))
    sizes = [one.stat().st_size for one in tmp_path.rglob("*.safetensors")]
    limited = store(tmp_path / "small", most_bytes=sum(sizes) - 1)
    plain = answers(llava, limited)
    left = [one.stat().st_size for one in (tmp_path / "small").rglob("*.safetensors")]
    assert 0 < sum(left) < sum(sizes)
    assert answers(llava, limited) == plain
