"""The model of lmms-eval answers as `leanvlm.answer` does; its base class is a stand-in where lmms-eval is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import leanvlm
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from tests.for_lmms_eval import stand_in

NAME = "leanvlm.for_lmms_eval.model"
Prompts = list[tuple[list[Image.Image], str]]


@pytest.fixture(scope="module")
def plugin() -> Iterator[Any]:
    """The module of the model, over lmms-eval's own base class where it is installed."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("lmms_eval") is None:
            stand_in.install(patch)
        yield import_module(NAME)
        del sys.modules[NAME]


@pytest.fixture(scope="module")
def full(plugin: Any, random_checkpoint: Path, prompts: Prompts) -> Any:
    """The model as it is, with the documents of the task `t`."""
    made = plugin.Model(str(random_checkpoint))
    made.task_dict = {"t": {"test": prompts}}
    return made


def request(index: int, kind: str = "generate_until", **generation: Any) -> Any:
    """A request for the document of that index of the task `t`."""
    instance = sys.modules["lmms_eval.api.instance"].Instance
    metadata = {"task": "t", "doc_id": index, "repeats": 1}
    return instance(kind, ("", messages, generation, index, "t", "test"), 0, metadata)


def messages(doc: tuple[list[Image.Image], str]) -> list[dict[str, Any]]:
    pictures, words = doc
    content = [*({"type": "image", "url": one} for one in pictures), {"type": "text", "text": words}]
    return [{"role": "user", "content": content}]


def test_answers_are_those_of_leanvlm_in_the_order_asked(
    plugin: Any, random_checkpoint: Path, model: LoadedModel, prompts: Prompts
) -> None:
    asked = plugin.Model(str(random_checkpoint), '"cache/h2o@20%:normalize=true,recent_share=0.1"', batch_size="2")
    asked.task_dict = {"t": {"test": prompts}}
    order = [2, 0, 1, 0]
    found = asked.generate_until([request(index, max_new_tokens=6) for index in order])
    recipe = "cache/h2o@20%:normalize=true,recent_share=0.1"
    expected = [leanvlm.answer(model, *prompts[index], recipe=recipe, max_new_tokens=6) for index in order]
    assert [one.text for one in found] == [one.answer for one in expected]
    assert [(one.token_counts.input_tokens, one.token_counts.output_tokens) for one in found] == [
        (one.prompt_tokens, one.new_tokens) for one in expected
    ]


def test_a_sample_that_does_not_fit_is_answered_by_nothing_and_told(
    full: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fits, does_not = full.generate_until([request(0, max_new_tokens=2), request(1, max_new_tokens=10**6)])
    assert fits.token_counts.output_tokens > 0
    assert (does_not.text, does_not.token_counts.output_tokens) == ("", 0)
    assert "1 samples were refused and are answered by nothing; sample 't/1'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "pretrained is not said"),
        ({"pretrained": "m", "recent_share": 0.1}, "no argument 'recent_share'; .* a recipe with commas in quotes"),
        ({"pretrained": "m", "recipe": "cache/snap@10%"}, "no method 'cache/snap'"),
        ({"pretrained": "m", "recipe": "weights/rtn@w8a8"}, "acts on the weights, and a loaded model has its own"),
        ({"pretrained": "m", "batch_size": "auto"}, "batch_size is 'auto'; it must be a whole number"),
        ({"pretrained": "m", "max_pixels": 0}, "max_pixels is 0"),
        ({"pretrained": "m"}, "no folder 'm'"),
    ],
)
def test_a_wrong_argument_is_one_sentence(plugin: Any, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        plugin.Model(**arguments)


def test_a_recipe_that_the_model_refuses_is_refused_before_it_is_asked(plugin: Any, random_checkpoint: Path) -> None:
    with pytest.raises(InputError, match="cannot run on this model"):
        plugin.Model(str(random_checkpoint), "tokens/fastv@10%:layer=99")


@pytest.mark.parametrize("kind", ["loglikelihood", "generate_until_multi_round", "generate_visual_cot"])
def test_other_requests_are_refused_by_the_name_of_their_task(full: Any, kind: str) -> None:
    with pytest.raises(InputError, match=f"the task 't' asks for {kind}, and leanvlm answers generate_until only"):
        getattr(full, kind)([request(0, kind)])


@pytest.mark.parametrize(("device", "own"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu")])
def test_each_of_several_processes_has_its_own_gpu(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, device: str, own: str
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert plugin._of_this_process(device) == own
    monkeypatch.delenv("LOCAL_RANK")
    assert plugin._of_this_process(device) == device


def test_every_argument_is_named_where_a_wrong_one_is_refused(plugin: Any) -> None:
    named = [name for name in plugin.Model.__init__.__annotations__ if name not in ("others", "return")]
    assert tuple(named) == plugin.ARGUMENTS
