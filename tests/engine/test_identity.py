"""Nothing kept back changes nothing: controls/full is transformers' own `generate`, and budget 1 is controls/full."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL.Image import Image

from leanvlm import plugins
from leanvlm.engine import evict, prompt, sweep
from leanvlm.methods._method import BudgetedMethod
from leanvlm.methods._tokens import CrossMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.methods.fixtures import sample_for

Prompts = list[tuple[list[Image], str]]
NAMED = [name for name in plugins.ids("methods") if name.startswith(("tokens/", "cache/", "controls/random"))]
HERE = [name for name in NAMED if not issubclass(plugins.load("methods", name), CrossMethod)]  # else test_mllama.py
BUDGETED = [name for name in HERE if issubclass(plugins.load("methods", name), BudgetedMethod)]


def said(model: LoadedModel, asked: Sample, recipe: str) -> sweep.Answer:
    return sweep.answers_to(model, asked, [parse(recipe)], limit=12)[recipe]


def test_full_says_what_generate_says(model: LoadedModel, prompts: Prompts) -> None:
    for images, question in prompts:
        inputs = model.inputs(images, question)
        tokens = model.model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        expected = model.tokenizer.decode(tokens, skip_special_tokens=True).strip()
        answer = said(model, sample_for("controls/full", images, question), "controls/full")
        assert (answer.answer, answer.new_tokens) == (expected, len(tokens))


@pytest.mark.parametrize("method", BUDGETED)
def test_budget_one_goes_the_whole_way_and_changes_nothing(
    model: LoadedModel, prompts: Prompts, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original_select, original_reduce = evict.select, prompt.Prompt.select
    score = getattr(plugins.load("methods", method), "score", None)

    def spy_select(*args: object) -> torch.Tensor:
        seen.append("select")
        return original_select(*args)  # type: ignore[arg-type]

    def spy_reduce(*args: object) -> prompt.Prompt:
        seen.append("reduce")
        return original_reduce(*args)  # type: ignore[arg-type]

    def spy_score(*args: object, **named: object) -> torch.Tensor:
        seen.append("score")
        return score(*args, **named)  # type: ignore[misc]

    monkeypatch.setattr(evict, "select", spy_select)
    monkeypatch.setattr(prompt.Prompt, "select", spy_reduce)
    if score is not None:
        monkeypatch.setattr(plugins.load("methods", method), "score", spy_score)
    for images, question in prompts:
        asked = sample_for(method, images, question)
        full = said(model, asked, "controls/full")
        seen.clear()
        kept = said(model, asked, f"{method}@100%")
        assert seen, "the method was never asked"
        assert replace(kept, kept_centers=None) == full


def test_leaving_leaves_no_trace(model: LoadedModel, prompts: Prompts) -> None:
    def state() -> list[object]:
        hooks = [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.model.modules()]
        marks = [sorted(k for k in m.__dict__ if k.startswith("leanvlm")) for m in model.model.modules()]
        configs = [m.config._attn_implementation for m in model.model.modules() if hasattr(m, "config")]
        return [hooks, marks, configs]

    said(
        model, sample_for("controls/full", *prompts[1]), "controls/full"
    )  # transformers' own hooks come with a first run
    before, weights = state(), {k: v.clone() for k, v in model.model.state_dict().items()}
    for method in BUDGETED:
        said(model, sample_for(method, *prompts[1]), f"{method}@10%")
    assert state() == before
    assert all(torch.equal(v, weights[k]) for k, v in model.model.state_dict().items())
