"""`leanvlm.generate` on plain Hugging Face models: the tokens of `leanvlm.answer`, and what `generate` was told."""

from __future__ import annotations

from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

import leanvlm
from leanvlm.engine.refusal import refusal
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny

RECIPES = (
    "controls/full",
    "tokens/fastv@25%",
    "tokens/visionzip@40%",
    "controls/random_tokens@30%",
    "cache/snapkv@20%",
    "tokens/fastv@25%+cache/snapkv@20%",
)


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


def generated(model: Any, recipe: str, prompt: str = "one", **options: Any) -> list[int]:
    inputs = model.inputs(tiny.pictures(prompt), prompt)
    found = model.model.generate(**inputs, custom_generate=leanvlm.generate(recipe), max_new_tokens=8, **options)
    return found[0, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("prompt", tiny.PROMPTS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_its_tokens_are_those_of_our_own_answer(model: Any, recipe: str, prompt: str) -> None:
    parsed = parse(recipe)
    if refusal(type(model), model.model.config, parsed):
        pytest.skip("the architecture refuses this recipe")
    sample = Sample(sample_id="", question=prompt, images=tuple(tiny.pictures(prompt)))
    ours = answers_to(model, sample, [parsed], limit=8, rows=1)[parsed.text]
    assert generated(model, recipe, prompt) == [int(token) for token in ours.answer.split()]


def test_the_full_model_says_what_plain_generate_says(model: Any) -> None:
    inputs = model.inputs(tiny.pictures("one"), "one")
    plain = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)
    assert generated(model, "controls/full") == plain[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.fixture(scope="module")
def llava() -> Any:
    return tiny.build("llava")


def test_it_ends_where_generate_was_told_to_end(llava: Any) -> None:
    tokens = generated(llava, "cache/snapkv@20%")
    ended = generated(llava, "cache/snapkv@20%", eos_token_id=tokens[2])
    assert ended == tokens[: tokens.index(tokens[2]) + 1]

    class AfterTwo(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            return torch.full((1,), input_ids.shape[1] >= n_prompt + 2)

    n_prompt = llava.inputs(tiny.pictures("one"), "one")["input_ids"].shape[1]
    assert generated(llava, "cache/snapkv@20%", stopping_criteria=StoppingCriteriaList([AfterTwo()])) == tokens[:2]


class Words(BaseStreamer):
    """Keeps what is put into it."""

    def __init__(self) -> None:
        self.parts: list[list[int]] = []
        self.has_ended = False

    def put(self, value: torch.Tensor) -> None:
        self.parts.append(value.flatten().tolist())

    def end(self) -> None:
        self.has_ended = True


def test_a_streamer_gets_the_prompt_then_each_token_then_the_end(llava: Any) -> None:
    streamer = Words()
    tokens = generated(llava, "cache/snapkv@20%", streamer=streamer)
    prompt, *rest = streamer.parts
    assert prompt == llava.inputs(tiny.pictures("one"), "one")["input_ids"][0].tolist()
    assert rest == [[token] for token in tokens]
    assert streamer.has_ended


def test_a_streamer_works_from_another_thread(llava: Any) -> None:
    streamer = Words()
    thread = Thread(target=generated, args=(llava, "tokens/fastv@25%"), kwargs={"streamer": streamer})
    thread.start()
    thread.join(60)
    assert streamer.has_ended


def test_sampling_draws_as_generate_does(llava: Any) -> None:
    def drawn(**options: Any) -> list[int]:
        torch.manual_seed(1)
        return generated(llava, "controls/full", do_sample=True, temperature=2.0, **options)

    inputs = llava.inputs(tiny.pictures("one"), "one")
    torch.manual_seed(1)
    plain = llava.model.generate(**inputs, max_new_tokens=8, do_sample=True, temperature=2.0)
    assert drawn() == plain[0, inputs["input_ids"].shape[1] :].tolist()
    assert drawn(top_k=1) == generated(llava, "controls/full")


def test_a_dictionary_is_returned_where_one_is_asked_for(llava: Any) -> None:
    inputs = llava.inputs(tiny.pictures("one"), "one")
    found = llava.model.generate(
        **inputs, custom_generate=leanvlm.generate("controls/full"), max_new_tokens=3, return_dict_in_generate=True
    )
    assert found.sequences.shape[1] == inputs["input_ids"].shape[1] + 3


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("controls/blind", "acts on pictures"),
        ("weights/gptq@w4a16-g128", "acts on the weights"),
        ("tokens/fastv", "needs a setting"),
    ],
)
def test_a_recipe_that_it_cannot_follow_is_refused_at_once(recipe: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        leanvlm.generate(recipe)


@pytest.mark.parametrize("options", [{"num_beams": 2}, {"num_return_sequences": 2}])
def test_several_sequences_are_refused(llava: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="one prompt at a time"):
        generated(llava, "controls/full", do_sample=True, **options)


def test_padding_another_kernel_and_training_are_refused(llava: Any) -> None:
    inputs = llava.inputs([], "none")
    mask = torch.ones_like(inputs["input_ids"])
    mask[0, 0] = 0
    run = {"custom_generate": leanvlm.generate("controls/full"), "max_new_tokens": 2}
    with pytest.raises(InputError, match="without padding"):
        llava.model.generate(**inputs, attention_mask=mask, **run)
    other = tiny.build("llava").model
    other.set_attn_implementation("eager")
    with pytest.raises(InputError, match="attn_implementation='sdpa'"):
        other.generate(**inputs, **run)
    training = tiny.build("llava").model.train()
    with pytest.raises(InputError, match="evaluation mode"):
        training.generate(**inputs, **run)
    assert training.training


def test_a_model_without_an_adapter_is_refused(llava: Any) -> None:
    unknown = SimpleNamespace(model_type="gpt9", is_encoder_decoder=False)
    with pytest.raises(InputError, match="no adapter for models of the type 'gpt9'; leanvlm has adapters for"):
        leanvlm.models._adapter.wrap(SimpleNamespace(config=unknown))


def test_leaving_leaves_no_trace(model: LoadedModel) -> None:
    before = {name: sorted(module.__dict__) for name, module in model.model.named_modules()}
    generated(model, "cache/snapkv@20%")
    after = {name: sorted(module.__dict__) for name, module in model.model.named_modules()}
    assert {name: set(keys) - set(before[name]) for name, keys in after.items()} == {name: set() for name in before}
