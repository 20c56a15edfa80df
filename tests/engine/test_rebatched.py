"""The noise floor: the model as it is, in another batch."""

from __future__ import annotations

import pytest
import torch
from PIL.Image import Image

from leanvlm.engine import sweep
from leanvlm.engine.decode import decode as decode_module
from leanvlm.engine.prefill.prefill import prefill
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.methods._signals import Wanted
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

Prompts = list[tuple[list[Image], str]]


def test_the_batch_is_another_and_the_answers_the_same(
    model: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[tuple[int, int]] = []
    hook = model.text.layers[0].register_forward_pre_hook(lambda _, args: entered.append(tuple(args[0].shape[:2])))
    recipes = [parse("controls/full"), parse("controls/rebatched")]
    asked = [
        Sample(sample_id=str(i), question=question, images=tuple(images))
        for i, (images, question) in enumerate(prompts)
    ]
    found = {(key, recipe.text): answer for key, recipe, answer in sweep.answer_all(model, asked, recipes, limit=8)}
    hook.remove()
    for one in asked:
        assert found[one.sample_id, "controls/rebatched"] == found[one.sample_id, "controls/full"]
    read = {shape[0] for shape in entered if shape[1] > 1}
    decoded = {shape[0] for shape in entered if shape[1] == 1}
    assert read == {1, 2}, "a prompt alone, and a prompt beside its copy"
    assert decoded == {1, decode_module.ROWS}, "an answer alone, and answers side by side"


def test_the_first_of_two_copies_is_the_prompt(model: LoadedModel, prompts: Prompts) -> None:
    prompt = run_vision(model, model.inputs(*prompts[0]))
    one, two = (prefill(model, prompt, wanted=Wanted(), rng=torch.Generator(), copies=n) for n in (1, 2))
    assert two.next_position.shape == one.next_position.shape
    for layer, keys in enumerate(one.keys):
        assert torch.allclose(two.keys[layer], keys, atol=1e-5)
        assert two.keys[layer].shape == keys.shape
        assert torch.allclose(two.values[layer], one.values[layer], atol=1e-5)
    assert torch.allclose(two.logits, one.logits, atol=1e-4)
