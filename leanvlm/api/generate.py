"""`leanvlm.generate`: a recipe for a plain Hugging Face model, through transformers' own `custom_generate`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers.generation.utils import GenerateDecoderOnlyOutput

from leanvlm.api._recipes import for_loaded
from leanvlm.engine.decode.steps import DecodeStart, steps
from leanvlm.engine.passes import count_tokens, encoder_signals, keep_cache, read_prompt
from leanvlm.engine.refusal import refuse
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.models._adapter import wrap
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe

# what `generate` adds to the model's arguments; the engine has its own cache, positions and masks
ADDED = ("attention_mask", "position_ids", "past_key_values", "cache_position", "logits_to_keep", "use_cache")


def generate(recipe: str) -> Callable[..., Any]:
    """Return what `custom_generate=` of a Hugging Face model's `generate` takes.

    The model's limits, ends, logits processors, sampling and streamer are those that `generate` was given; greedy
    tokens are those of `leanvlm.answer`.

    Raises: InputError for a recipe that cannot be read, or that acts on pictures (the processor has them already) or
    weights; when it runs, for what it cannot do: several prompts at once, padding, beams, a cache that is filled,
    another attention than sdpa.

    >>> from transformers import AutoModelForImageTextToText
    >>> from leanvlm import load
    >>> network = AutoModelForImageTextToText.from_pretrained("artifacts/models/embedded", dtype="float32")
    >>> inputs = load("artifacts/models/embedded").inputs([], "is there a red shape?")
    >>> found = network.generate(**inputs, custom_generate=generate("cache/snapkv@20%"), max_new_tokens=2)
    >>> int(found.shape[1] - inputs["input_ids"].shape[1])
    2
    """
    [parsed] = for_loaded([recipe])
    if parsed.part("image") is not None:
        raise InputError(f"{parsed.text} acts on pictures, which the processor has turned into tensors before "
                         "`generate` runs; change the pictures yourself, or use leanvlm.answer")  # fmt: skip

    return partial(_generate, recipe=parsed)


def _generate(
    network: Any,
    input_ids: Tensor,
    *,
    recipe: Recipe,
    logits_processor: Callable[[Tensor, Tensor], Tensor],
    stopping_criteria: Callable[[Tensor, Any], Tensor],
    generation_config: Any,
    streamer: Any = None,
    **inputs: Any,
) -> Any:
    """Do what transformers' own decoding methods do, after the recipe has left its mark on prompt and cache."""
    _refuse(network, input_ids, inputs, generation_config)
    model, tokens = wrap(network), input_ids
    start = _start(model, recipe, input_ids, inputs, limit=generation_config.max_length)
    streamer = streamer or _streamer_of_generate()

    def choose(logits: Tensor) -> Tensor:
        scores = logits_processor(tokens, logits[None].float())
        if generation_config.do_sample:
            return torch.multinomial(scores.softmax(-1), num_samples=1)[0]
        return scores[0].argmax(-1, keepdim=True)

    for token in steps(model, start, choose):
        tokens = torch.cat([tokens, tokens.new_tensor([[token]])], dim=1)
        if streamer is not None:
            streamer.put(tokens[0, -1:].cpu())
        if stopping_criteria(tokens, None).all():
            break
    if streamer is not None:
        streamer.end()
    if generation_config.return_dict_in_generate:
        return GenerateDecoderOnlyOutput(sequences=tokens)  # type: ignore[arg-type]
    return tokens


def _start(model: LoadedModel, recipe: Recipe, ids: Tensor, inputs: dict[str, Any], *, limit: int) -> DecodeStart:
    """Read the prompt and keep what the recipe keeps of the cache."""
    refuse(model, [recipe])
    given = {name: value for name, value in inputs.items() if isinstance(value, Tensor) and name not in ADDED}
    is_video = "pixel_values_videos" in given
    whole = {"input_ids": ids, **given}
    count_tokens(model, whole, limit - ids.shape[1])
    prompt = run_vision(model, whole, wanted=encoder_signals([recipe]), is_video=is_video)
    read = read_prompt(model, prompt, recipe.part("tokens"), "", [recipe])
    cache = keep_cache(recipe, read, "").cache
    return DecodeStart(cache, read.logits, read.next_position)


def _refuse(network: Any, ids: Tensor, inputs: dict[str, Any], config: Any) -> None:
    """Raise: InputError for what the engine would do differently, or not at all."""
    mask, cache = inputs.get("attention_mask"), inputs.get("past_key_values")
    refusals = {
        "reads one prompt at a time; call generate once for each": len(ids) > 1,
        "takes prompts without padding; leave the padding out": mask is not None and not bool(mask.bool().all()),
        "searches with no beams; set num_beams=1": config.num_beams not in (None, 1),
        "starts from an empty cache; leave past_key_values out": cache is not None and cache.get_seq_length() > 0,
        "attends with sdpa; load the model with attn_implementation='sdpa'": _attention(network) != {"sdpa"},
        "runs on a model in evaluation mode; call model.eval()": bool(network.training),
    }
    for sentence, holds in refusals.items():
        if holds:
            raise InputError(f"leanvlm.generate {sentence}")


def _attention(network: Any) -> set[str]:
    return {module.config._attn_implementation for module in network.modules() if hasattr(module, "config")}


def _streamer_of_generate() -> Any:
    """Find the streamer that the user gave to `generate`: transformers 5.17 drops it on the way to a custom callable.

    It has put the prompt into it by then; without this, a reader of the streamer would wait for ever.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "generate":
        frame = frame.f_back
    return frame.f_locals.get("streamer") if frame is not None else None
