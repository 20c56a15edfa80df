"""Every architecture keeps the engine's promises with every method, on tiny random models.

The oracles are transformers' own `generate`, with keys hidden where a method evicts or drops, and gradients.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache, Lfm2VlConfig
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from leanvlm import plugins
from leanvlm.engine import evict, passes, sweep
from leanvlm.engine.decode.decode import decode
from leanvlm.engine.decode.steps import DecodeStart
from leanvlm.engine.prefill import dropping, prefill
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision import vision_pass
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Wanted
from leanvlm.methods._tokens import CrossMethod, EncoderSignal, LayerMethod, VideoMethod
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.models._model import LoadedModel
from leanvlm.models._prompts import takes_video
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.engine.test_oracle import evicted_keys_masked, plainly_said
from tests.methods.calibrated import compress, samples_of
from tests.models import tiny

ARCHITECTURES = list(tiny.BUILDERS)
TOKENS = [name for name in plugins.ids("methods") if plugins.load("methods", name).acts_on == "tokens"]
VIDEO = [name for name in TOKENS if issubclass(plugins.load("methods", name), VideoMethod)]
CROSS = [name for name in TOKENS if issubclass(plugins.load("methods", name), CrossMethod)]
CACHE = [name for name in plugins.ids("methods") if issubclass(plugins.load("methods", name), CacheMethod)]
LAST_USED = {"llava": -2, "llava_next": -2}  # the tower's last block that features know, -1 elsewhere
REWRITING = ["cache/lookm"]  # changes the keys that it keeps, so hiding keys is no oracle for it


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> Any:
    model = tiny.build(request.param)
    model.name = request.param
    return model


every_method = pytest.mark.parametrize("method", [name for name in (*TOKENS, *CACHE) if name not in VIDEO])
both_prompts = pytest.mark.parametrize("prompt", tiny.PROMPTS)


def refused(model: LoadedModel, recipe: str) -> bool:
    """Tell whether an architecture refuses a recipe; if so, running it is answered with the reason."""
    reason = refusal(type(model), model.model.config, parse(recipe))
    if reason is not None:
        with pytest.raises(InputError, match=re.escape(reason)):
            said(model, "one", recipe)
    return reason is not None


def said(model: LoadedModel, prompt: str, recipe: str) -> sweep.Answer:
    return sweep.answers_to(model, sample_of(prompt), [parse(recipe)], limit=8)[recipe]


def sample_of(prompt: str) -> Sample:
    return Sample(sample_id=prompt, question=prompt, images=tuple(tiny.pictures(prompt)))


def test_a_batch_of_questions_equals_single_runs(model: Any) -> None:
    """Prompts of several lengths, and one without a picture, share a batch without padding."""
    recipes = [parse(text) for text in ("controls/full", "tokens/visionzip@30%+cache/snapkv@30%", "cache/h2o@30%")]
    asked = [*map(sample_of, tiny.PROMPTS), Sample(sample_id="none", question="one")]
    together = {(key, r.text): a for key, r, a in sweep.answer_all(model, asked, recipes, limit=8)}
    assert len({answer.prompt_tokens for answer in together.values()}) == len(asked)
    for one in asked:
        for recipe, found in sweep.answers_to(model, one, recipes, limit=8).items():
            assert found == together[one.sample_id, recipe]


def generated(model: Any, inputs: tiny.Inputs) -> list[int]:
    tokens = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return tokens[0, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]


@both_prompts
def test_full_says_what_generate_says(model: Any, prompt: str) -> None:
    expected = generated(model, model.inputs(tiny.pictures(prompt), prompt))
    assert len(set(expected)) > 2, "a model that repeats itself proves little"
    assert said(model, prompt, "controls/full").answer == model.tokenizer.decode(expected)


def test_blind_says_what_generate_says_without_a_picture(model: Any) -> None:
    said(model, "two", "controls/full")  # a model may remember the last prompt's positions
    expected = generated(model, model.inputs([], "one"))
    assert said(model, "one", "controls/blind").answer == model.tokenizer.decode(expected)


@every_method
def test_budget_one_changes_nothing(model: Any, method: str) -> None:
    if not refused(model, f"{method}@100%"):
        answer = said(model, "two", f"{method}@100%")
        assert replace(answer, kept_centers=None) == said(model, "two", "controls/full")


@pytest.mark.parametrize("method", VIDEO)
def test_a_method_for_videos_refuses_pictures(model: Any, method: str) -> None:
    if not refused(model, f"{method}@30%"):
        with pytest.raises(InputError, match=f"^{method} chooses among the frames of a video, and here is none"):
            said(model, "two", f"{method}@30%")
    assert refused(model, f"{method}@30%") != takes_video(type(model))


@every_method
def test_a_budget_is_kept_and_no_trace_left(model: Any, method: str) -> None:
    if refused(model, f"{method}@30%"):
        return
    before, spans = state(model), vision_pass.run_vision(model, model.inputs(tiny.pictures("two"), "two")).spans
    answer = said(model, "two", f"{method}@30%")
    assert state(model) == before
    n = answer.visual_tokens
    if method in CACHE:
        assert abs(answer.cache_kept - 0.3) * answer.prompt_tokens <= 1
        assert answer.tokens_kept == 1
    elif isinstance(inside := parse(f"{method}@30%").parts[0].built, LayerMethod):
        stages = inside.stages(4)
        left = [min([n, *(n_keep(n, stages[i]) for i in stages if i <= layer)]) for layer in range(4)]
        assert answer.visual_tokens_kept == sum(left) / 4
        assert answer.tokens_kept == n_keep(n, 0.3) / n
    elif isinstance(inside, CrossMethod):  # of two layers that look, the first gets all
        left = sum(n_keep(end - start, 0.3) for start, end in spans)
        assert (answer.visual_tokens_kept, answer.tokens_kept) == ((n + left) / 2, left / n)
    else:
        assert answer.visual_tokens_kept == sum(n_keep(end - start, 0.3) for start, end in spans)
        assert abs(answer.tokens_kept - 0.3) * n <= len(spans)


def state(model: Any) -> list[object]:
    modules = list(model.model.modules())
    hooks = [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in modules]
    marks = [sorted(k for k in m.__dict__ if k.startswith("leanvlm")) for m in modules]
    return [hooks, marks, [m.config._attn_implementation for m in modules if hasattr(m, "config")]]


@both_prompts
def test_spread_brings_each_patch_to_the_tokens_that_depend_on_it(model: Any, prompt: str) -> None:
    inputs = model.inputs(tiny.pictures(prompt), prompt)
    depends = gradients(model, inputs)  # (visual, patches)
    eye = torch.eye(depends.shape[1])
    assert torch.equal(model.spread(eye, inputs, fill=0.0) > 0, depends)
    filled = model.spread(eye, inputs, fill=float("-inf")).isinf().any(1)
    assert torch.equal(filled, ~depends.any(1))
    assert torch.equal(model.is_patch(inputs), depends.any(1))


def gradients(model: Any, inputs: tiny.Inputs) -> Tensor:
    """Find which patches, as the tower's last used block leaves them, each visual token depends on.

    Shapes: -> (visual, patches), True = depends.
    """
    held: dict[str, Tensor] = {}
    attention = model.encoder_blocks[LAST_USED.get(model.name, -1)]
    name = next(name for name, module in model.model.named_modules() if module is attention)

    def leave(_module: Any, _args: Any, output: Any) -> Any:
        states = output[0] if isinstance(output, tuple) else output
        held["patches"] = states.detach().requires_grad_()
        return held["patches"]

    def enter(_module: Any, _args: Any, arguments: dict[str, Any]) -> None:
        if model.crosses:
            is_tile = inputs["aspect_ratio_mask"].flatten().bool()
            held["visual"] = arguments["cross_attention_states"][is_tile].flatten(0, 1)
        else:
            is_visual = torch.isin(inputs["input_ids"][0], torch.tensor(model.visual_ids))
            held["visual"] = arguments["inputs_embeds"][0, is_visual]

    block = model.model.get_submodule(name.rpartition(".")[0])
    handles = [
        block.register_forward_hook(leave, prepend=True),  # LLaVA's features are what a later hook captures
        model.text.register_forward_pre_hook(enter, with_kwargs=True),
    ]
    model.model.model(**inputs, use_cache=False)
    for handle in handles:
        handle.remove()
    rows = []
    for token in held["visual"]:
        target = token.square().sum()
        found = torch.autograd.grad(target, held["patches"], retain_graph=True, allow_unused=True)[0]
        moved = torch.zeros_like(held["patches"]) if found is None else found
        moved = moved.abs().sum(-1) > 0
        rows.append(moved[..., model.class_tokens :].flatten())
    return torch.stack(rows)


def test_the_encoders_attention_is_what_eager_attention_says(model: Any) -> None:
    inputs = model.inputs(tiny.pictures("two"), "two")
    signal = EncoderSignal(block=LAST_USED.get(model.name, -1))
    block = model.encoder_blocks[signal.block]
    received: list[Tensor] = []

    def eager(module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any) -> Any:
        logits = query @ key.transpose(-1, -2) * options["scaling"]
        is_seen = torch.ones_like(logits[:, :1], dtype=torch.bool) if attention_mask is None else attention_mask == 0
        if attention_mask is not None and attention_mask.dtype == torch.bool:
            is_seen = attention_mask
        rows = logits.masked_fill(~is_seen, float("-inf")).softmax(-1)
        if module is block:
            is_patch = is_seen.diagonal(dim1=2, dim2=3)[:, :, None]  # padding does not see itself, but others may
            voters = is_patch[:, 0, 0].float()  # padding, which all rows do not see, is no row either
            mean = torch.einsum("bn,bhnm->bm", voters / voters.sum(1, keepdim=True), rows) / rows.shape[1]
            seen = rows.mean(1)[:, 0] if model.class_tokens else mean
            received.append(seen[:, model.class_tokens :].flatten())
        return (rows @ value).transpose(1, 2), None

    with attention_of(block.config, eager), torch.inference_mode():
        model.model.model(**inputs, use_cache=False)
    seen = vision_pass.run_vision(model, inputs, wanted=[signal]).encoder[signal]
    expected = model.spread(torch.cat(received)[:, None], inputs, fill=float("-inf"))[:, 0]
    torch.testing.assert_close(seen.attention, expected)
    assert len(seen.keys) == len(seen.attention)


@contextmanager
def attention_of(config: Any, function: Any) -> Iterator[None]:
    """Let a slow function attend wherever a config says so."""
    AttentionInterface.register("slow", function)
    AttentionMaskInterface.register("slow", sdpa_mask)
    before, config._attn_implementation_internal = config._attn_implementation_internal, "slow"
    try:
        yield
    finally:
        config._attn_implementation_internal = before


def seen_last(model: Any, inputs: tiny.Inputs) -> Tensor:
    """Tell which features outside the prompt its last word sees. Shapes: -> (F,)."""
    is_tile = inputs["cross_attention_mask"][0, -1].flatten().bool()
    return is_tile.repeat_interleave(model.model.model.vision_model.num_patches)


@pytest.mark.parametrize("method", CACHE)
def test_eviction_equals_masking(model: Any, method: str) -> None:
    """The oracle reads the prompt with transformers alone, and hides the evicted keys while it decodes."""
    if refused(model, f"{method}@30%"):
        return
    inputs = model.inputs(tiny.pictures("two"), "two")
    part = parse(f"{method}@30%").parts[0]
    prompt = vision_pass.run_vision(model, inputs)
    read = prefill.prefill(model, prompt, wanted=part.built.wants(prompt.is_visual), rng=passes.rng_for(part, "s"))
    cache = evict.evict(read, part.built, passes.rng_for(part, "s")).cache
    (ours,) = decode(model, [DecodeStart(cache, read.logits, read.next_position)], stops=frozenset(), limit=8)
    kept = evict.select(read.signals(passes.rng_for(part, "s")), part.built)
    whole: Any = DynamicCache(config=model.text.config)
    with torch.inference_mode():
        logits = model.model(**inputs, past_key_values=whole, use_cache=True).logits[0, -1]
    torch.testing.assert_close(read.logits, logits)
    for layer in model.crossing:  # in which `generate` hides by a mask what the last word does not see
        pair = (whole.layers[layer].keys, whole.layers[layer].values)
        whole.layers[layer].keys, whole.layers[layer].values = (one[:, :, seen_last(model, inputs)] for one in pair)
    with evicted_keys_masked(model, kept, prompt.embeds.shape[1]):
        oracle = plainly_said(model, whole, logits, read.next_position, n=8)
    assert [one.token for one in ours] == oracle or method in REWRITING


@pytest.mark.parametrize(
    "recipe",
    [
        "controls/random_tokens@30%",
        "tokens/fastv@30%:layer=1",
        "tokens/fastv@30%",
        "tokens/sparsevlm@30%",
        "tokens/pyramiddrop@30%",
        "tokens/dart@30%",
    ],
)
def test_dropping_equals_masking(model: Any, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle is `generate` over the whole prompt, with the dropped tokens hidden from the layers above.

    It is told what became of the tokens that a method changes; convolutions pass by the dropped tokens.
    """
    if model.crosses or refused(model, recipe):  # tests/models/test_mllama.py hides what such a model looks at
        return
    inputs = model.inputs(tiny.pictures("two"), "two")
    kept: dict[int, Tensor] = {}  # by the first layer that gets fewer tokens
    changed: dict[int, Tensor] = {}
    select, decide = Prompt.select, dropping.Dropper.decide

    def spy_select(prompt: Prompt, keep: Tensor) -> Prompt:
        kept[0] = keep.nonzero()[:, 0]
        return select(prompt, keep)

    def spy_decide(dropper: Any, layer: int, *entering: Any) -> Tensor:
        left = decide(dropper, layer, *entering)
        kept[layer] = dropper.kept
        if type(dropper.method).reduce is not LayerMethod.reduce:
            changed[layer] = left
        return left

    monkeypatch.setattr(Prompt, "select", spy_select)
    monkeypatch.setattr(dropping.Dropper, "decide", spy_decide)
    ours = said(model, "two", recipe).answer
    method, n_tokens = parse(recipe).parts[0].built, inputs["input_ids"].shape[1]
    assert list(kept) == (list(method.stages(4)) if isinstance(method, LayerMethod) else [0])

    def slow(module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any) -> Any:
        t_query, t_key = query.shape[2], key.shape[2]
        seen = (
            torch.ones(t_query, t_key, dtype=torch.bool).tril(t_key - t_query)
            if attention_mask is None
            else attention_mask
        )
        for stage in [stage for stage in kept if stage <= module.layer_idx]:
            dropped = torch.ones(n_tokens, dtype=torch.bool).index_fill_(0, kept[stage], False)
            seen = seen & ~torch.nn.functional.pad(dropped, (0, t_key - n_tokens))
        return sdpa_attention_forward(module, query, key, value, seen, **options)

    with attention_of(model.text.config, slow), told(model, kept, changed), passing_by(model, kept):
        oracle = generated(model, inputs)
    assert ours == model.tokenizer.decode(oracle)


def test_the_rows_that_vote_are_those_of_eager_attention(model: Any) -> None:
    """Also where they belong to a picture whose tokens see each other both ways (Gemma 3)."""
    inputs = model.inputs(tiny.pictures("one"), "one")
    prompt = vision_pass.run_vision(model, inputs)
    read = prefill.prefill(model, prompt, wanted=Wanted(rows=32), rng=torch.Generator())
    before = model.text.config._attn_implementation_internal
    model.text.config._attn_implementation_internal = "eager"
    try:
        with torch.inference_mode():
            expected = model.model(**inputs, output_attentions=True, use_cache=False).attentions
    finally:
        model.text.config._attn_implementation_internal = before
    if model.crosses:  # transformers also tells of the layers that look at pictures outside the prompt
        expected = [expected[layer] for layer in read.attending]
    for signals, attention in zip(read.signals(torch.Generator()), expected, strict=True):
        rows = signals.rows_by_head(32)
        assert torch.allclose(rows, attention[:, :, -32:], atol=1e-5)


@pytest.mark.parametrize(
    "recipe", ["tokens/sparsevlm@10%", "tokens/pyramiddrop@1%", "tokens/fastv@1%", "tokens/fastv@1%+cache/vlcache@10%"]
)
def test_no_picture_goes_wholly(model: Any, monkeypatch: pytest.MonkeyPatch, recipe: str) -> None:
    """Let the first tokens be best, so that the budget alone would drop all later pictures."""
    if refused(model, recipe):
        return
    held: list[Any] = []
    kind = type(parse(recipe).part("tokens").built)  # type: ignore[union-attr]
    cut = dropping.Dropper.cut

    def spy_cut(dropper: Any, *args: Any) -> Any:
        held.append(dropper)
        return cut(dropper, *args)

    def first_is_best(_method: Any, signals: Any, _seen: Tensor | None) -> Tensor:
        return -torch.arange(float(signals.n_tokens))

    monkeypatch.setattr(dropping.Dropper, "cut", spy_cut)
    monkeypatch.setattr(kind, "score", first_is_best)
    said(model, "two", recipe)
    left = torch.isin(held[-1].prompt.is_visual.nonzero()[:, 0], held[-1].kept)
    assert all(left[start:end].any() for start, end in held[-1].prompt.spans)


@contextmanager
def told(model: Any, kept: dict[int, Tensor], changed: dict[int, Tensor]) -> Iterator[None]:
    """Put the changed tokens in their places when the prompt enters a layer."""

    def hook(layer: int) -> Any:
        def before(_module: Any, args: tuple[Tensor, ...]) -> Any:
            is_prompt = args[0].shape[1] > 1
            return (args[0].index_copy(1, kept[layer], changed[layer]), *args[1:]) if is_prompt else None

        return before

    handles = [model.text.layers[layer].register_forward_pre_hook(hook(layer)) for layer in changed]
    yield
    for handle in handles:
        handle.remove()


@contextmanager
def passing_by(model: Any, kept: dict[int, Tensor]) -> Iterator[None]:
    """Let each convolution of a prompt run over the tokens that are kept, each in its old place."""

    def slow(layer: int, convolve: Any) -> Any:
        places = kept[max(stage for stage in kept if stage <= layer)]

        def forward(hidden_states: Tensor, **options: Any) -> Tensor:
            if hidden_states.shape[1] == 1:
                return convolve(hidden_states, **options)  # type: ignore[no-any-return]
            found = convolve(hidden_states[:, places], **options)
            return torch.zeros_like(hidden_states).index_copy_(1, places, found)

        return forward

    hybrid = [i for i, layer in enumerate(model.text.layers) if i not in model.attention and i >= min(kept)]
    modules = {i: model.text.layers[i].conv for i in hybrid}
    for layer, module in modules.items():
        module.forward = slow(layer, module.forward)
    yield
    for module in modules.values():
        del module.forward


def test_company_changes_no_bit(model: Any) -> None:
    """Three answers side by side fill the same caches as each alone, convolutions' states included."""
    prompt = vision_pass.run_vision(model, model.inputs(tiny.pictures("two"), "two"))
    read = prefill.prefill(model, prompt, wanted=Wanted(), rng=torch.Generator())
    methods = [None, *(parse(f"cache/streaming@{budget}%").parts[0].built for budget in (10, 30))]

    def start(method: Any) -> DecodeStart:
        cache = evict.evict(read, method, torch.Generator()).cache
        return DecodeStart(cache, read.logits.roll(methods.index(method)), read.next_position)

    together = [start(method) for method in methods]
    tokens = decode(model, together, stops=frozenset(), limit=6)
    for method, side, answer in zip(methods, together, tokens, strict=True):
        alone = start(method)
        assert decode(model, [alone], stops=frozenset(), limit=6) == [answer]
        for one, other in zip(held(side), held(alone), strict=True):
            assert torch.equal(one, other)


def held(start: DecodeStart) -> list[Tensor]:
    """List all that a cache holds."""
    layers: list[Any] = start.cache.layers
    return [states for la in layers for states in ([la.keys, la.values] if "keys" in vars(la) else [la.conv_states[0]])]


def test_at_most_a_tenth_of_all_pairs_is_refused() -> None:
    """Of methods that are not made for one kind of architecture."""
    models = [tiny.build(name) for name in ARCHITECTURES]
    recipes = [parse(f"{method}@30%") for method in [*TOKENS, *CACHE] if method not in CROSS]
    recipes += [parse("weights/wanda@50%"), parse("weights/gptq@w4a16-g128"), parse("controls/full")]
    reasons = [refusal(type(model), model.model.config, recipe) for model in models for recipe in recipes]
    assert 0 < sum(reason is not None for reason in reasons) <= len(reasons) / 10


def test_the_published_hybrid_drops_tokens_above_layers_that_attend() -> None:
    """LFM2-VL-450M's decoder attends in 6 of 16 layers; its configuration decides, no weights are there."""
    config = Lfm2VlConfig(text_config={"num_hidden_layers": 16, "full_attn_idxs": [2, 5, 8, 10, 12, 14]})
    kind = plugins.load("models", "lfm2_vl")
    for recipe in ("tokens/fastv@10%", "weights/wanda@50%+tokens/sparsevlm@10%+cache/h2o@10%"):
        assert refusal(kind, config, parse(recipe)) == (
            "tokens cannot be dropped at layer 2, since layer 1 has no attention to choose them by; "
            "they can at 3, 6, 9, 11, 13, 15"
        )
    assert refusal(kind, config, parse("tokens/fastv@10%:layer=3+cache/h2o@10%")) is None


def test_weights_methods_reach_every_linear_layer_of_the_decoder() -> None:
    for name in ARCHITECTURES:
        model = tiny.build(name)
        found = {id(linear) for linear in decoder_linears(model.model).values()}
        assert found == {id(part) for part in model.text.layers.modules() if isinstance(part, torch.nn.Linear)}, name


def test_wanda_halves_every_row_of_the_decoder_and_touches_nothing_else(model: Any) -> None:
    pruned = tiny.build(model.name)
    compress(parse("weights/wanda@50%").parts[0].built, pruned, samples_of(pruned))
    decoder = {f"{name}.weight" for name in decoder_linears(pruned.model)}
    before = model.model.state_dict()
    for name, weight in pruned.model.state_dict().items():
        if name in decoder:
            assert (weight.count_nonzero(dim=1) == weight.shape[1] // 2).all()
            assert ((weight == before[name]) | (weight == 0)).all()
        else:
            assert torch.equal(weight, before[name])
