"""Laid out ahead by threads, samples give the same answers and the same refusals as laid out in their turn."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from PIL.Image import Image

from leanvlm.engine import laying, sweep
from leanvlm.engine.tree import share
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

RECIPES = [parse(text) for text in ("controls/full", "controls/downsample@40%", "cache/snapkv@30%")]
BROKEN = b"no picture"


@pytest.fixture
def asked(prompts: list[tuple[list[Image], str]]) -> list[Sample]:
    """Twelve samples: the fourth has no picture, the sixth one that cannot be decoded, the ninth a wrong question."""
    samples = [
        Sample(sample_id=str(place), question=f"{question} {place}", images=tuple(images))
        for place, (images, question) in enumerate(prompts * 4)
    ]
    samples[3] = Sample(sample_id="3", question="what is the name?")
    samples[5] = Sample(sample_id="5", question="what is the name?", images=(BROKEN,))
    samples[8] = Sample(sample_id="8", question="<image> <image> <image> <image>", images=samples[8].images)
    return samples


def test_answers_and_refusals_are_the_same(
    model: LoadedModel, asked: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(sweep.answer_all(model, asked, RECIPES, limit=3))
    monkeypatch.setitem(laying.LAYING, "cpu", laying.ahead)
    found = list(sweep.answer_all(model, asked, RECIPES, limit=3))
    assert found == expected
    assert {key for key, _, answer in found if answer.refusal} == {"5", "8"}


def test_threads_are_some_samples_ahead_and_no_more(
    model: LoadedModel, asked: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    lay = laying.lay

    def noted(clerk: LoadedModel, sample: Sample, *rest: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        assert clerk is not model
        assert clerk.processor is not model.processor
        started.append(sample.sample_id)
        return lay(clerk, sample, *rest)

    monkeypatch.setattr(laying, "lay", noted)
    monkeypatch.setattr(laying, "AHEAD", 2)
    for place, pieces in enumerate(laying.ahead(model, asked, share(RECIPES), 3)):
        assert len(started) <= place + 3
        assert {named(piece) for piece in pieces} == {str(place)}
    assert sorted(started, key=int) == [sample.sample_id for sample in asked]


def named(piece: laying.Laid | laying.Refused) -> str:
    return piece.sample_id if isinstance(piece, laying.Refused) else piece.sample.sample_id


def test_an_error_that_is_no_refusal_ends_the_run(
    model: LoadedModel, asked: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(laying, "_area", broken)
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(laying.ahead(model, asked, share(RECIPES), 3))
    assert threading.active_count() == before


def test_what_threads_lay_out_lies_on_the_cpu(model: LoadedModel, asked: list[Sample]) -> None:
    (clerk, *_), inputs = model.clerks, {}
    assert clerk.inputs_device == torch.device("cpu")
    assert clerk.model is model.model
    for one in (model, clerk):
        inputs[one] = one.inputs_for(one.shown(asked[0]), asked[0].question, None)
    assert all(torch.equal(value, inputs[clerk][name]) for name, value in inputs[model].items())
