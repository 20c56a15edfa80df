"""The vision pass: let the model encode its pictures and merge them into the prompt, and stop it there.

The model's own forward runs the tower, the projector, the packing and the merge; a hook on the decoder stack takes what
would enter it and stops the run. So no model's merging code is copied, whatever its architecture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from leanvlm.engine.attention.by_heads import is_faster
from leanvlm.engine.attention.recorders import EncoderRecorder
from leanvlm.engine.attention.recording import AttentionCall, recording
from leanvlm.engine.crossing import Crossed
from leanvlm.engine.prompt import EncoderAttention, Prompt, to_spans
from leanvlm.methods._image import PatchMethod
from leanvlm.methods._tokens import EncoderSignal
from leanvlm.models._model import LoadedModel
from leanvlm.models._patches import PatchModel


class _DecoderReached(Exception):
    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def _stop(_module: Any, _args: Any, arguments: dict[str, Any]) -> None:
    raise _DecoderReached(arguments)


@torch.inference_mode()
def run_vision(
    model: LoadedModel,
    inputs: dict[str, Tensor],
    *,
    wanted: Iterable[EncoderSignal] = (),
    is_video: bool = False,
    method: PatchMethod | None = None,
) -> Prompt:
    """Run the vision pass of one prompt and keep the signals that the token methods want.

    Takes: is_video, whether the pictures are the frames of one: some models are shown them as pictures; method, if the
    tower is to be shown a part of the patches.
    """
    if method is not None:
        return _of_some_patches(model, inputs, method, is_video=is_video)
    has_image = "pixel_values" in inputs or "pixel_values_videos" in inputs
    recorders = {signal: EncoderRecorder(signal, model.class_tokens) for signal in wanted} if has_image else {}
    arguments = _decoder_arguments(model, inputs, recorders)
    encoder = {
        signal: EncoderAttention(
            attention=model.spread(recorder.attention, inputs, fill=float("-inf"))[:, 0],
            keys=model.spread(recorder.keys, inputs, fill=0.0),
        )
        for signal, recorder in recorders.items()
    }
    prompt = _prompt(model, inputs, arguments, has_image=has_image)
    return replace(prompt, is_video=is_video, encoder=encoder)


def _of_some_patches(model: LoadedModel, inputs: dict[str, Tensor], method: PatchMethod, *, is_video: bool) -> Prompt:
    """Show the tower the patches that a method keeps; the other tokens never reach the decoder."""
    assert isinstance(model, PatchModel), "refusal.py names the models whose towers can"
    if "image_grid_thw" not in inputs and "video_grid_thw" not in inputs:
        return run_vision(model, inputs)
    keep = torch.cat([method.keeps(blocks).flatten() for blocks in model.pixel_blocks(inputs)])
    with model.showing(inputs, keep):
        prompt = run_vision(model, inputs, is_video=is_video)
    stays = ~prompt.is_visual
    return prompt.select(stays.masked_scatter(prompt.is_visual, keep))


def _decoder_arguments(
    model: LoadedModel, inputs: dict[str, Tensor], recorders: dict[EncoderSignal, EncoderRecorder]
) -> dict[str, Any]:
    """Run the model up to its decoder stack and return what that would get."""
    handle = model.text.register_forward_pre_hook(_stop, with_kwargs=True)
    try:
        with recording(_by_module(model, recorders)):
            model.model(**inputs, use_cache=False)
        raise AssertionError("the model never called its decoder stack")
    except _DecoderReached as reached:
        return reached.arguments
    finally:
        handle.remove()


class _Recorders:
    """Several recorders on one module."""

    wants_lse = False

    def __init__(self) -> None:
        self.recorders: list[EncoderRecorder] = []

    def record(self, call: AttentionCall) -> None:
        """Hand the call to each."""
        for recorder in self.recorders:
            recorder.record(call)


def _by_module(model: LoadedModel, recorders: dict[EncoderSignal, EncoderRecorder]) -> dict[Any, _Recorders]:
    """Give blocks of the tower their recorders; all blocks get some, if empty, where our own attention is faster."""
    blocks = model.encoder_blocks
    listening = blocks if is_faster(model.model.device, model.model.dtype) else [blocks[one.block] for one in recorders]
    table = {block: _Recorders() for block in listening}
    for signal, recorder in recorders.items():
        table[blocks[signal.block]].recorders.append(recorder)
    return table


def _prompt(model: LoadedModel, inputs: dict[str, Tensor], arguments: dict[str, Any], *, has_image: bool) -> Prompt:
    ids = inputs["input_ids"][0]
    embeds, positions = arguments.get("inputs_embeds"), arguments.get("position_ids")
    if embeds is None:  # a decoder that looks at its pictures embeds the words itself
        embeds = model.model.get_input_embeddings()(arguments["input_ids"])
    if positions is None:
        n = embeds.shape[1]
        positions = torch.arange(n, device=embeds.device).expand(*model.position_axes, 1, n)
    is_visual = model.is_visual(ids)
    lengths = model.image_lengths(inputs) if has_image else []
    is_patch = model.is_patch(inputs) if has_image else torch.ones(0, dtype=torch.bool)
    deep = arguments.get("deepstack_visual_embeds") or ()  # one (visual, C) per layer
    return Prompt(
        embeds=embeds,
        positions=positions,
        is_visual=is_visual,
        spans=to_spans(lengths or _runs(is_visual)),
        is_patch=is_patch.to(is_visual.device),
        index=torch.arange(len(is_visual), device=is_visual.device),
        masks=arguments.get("attention_mask"),
        added=tuple(torch.zeros_like(embeds[0]).masked_scatter(is_visual[:, None], rows.to(embeds)) for rows in deep),
        crossed=Crossed.of(arguments),
    )


def _runs(is_visual: Tensor) -> list[int]:
    """Measure the runs of visual tokens: one an image where text stands between them."""
    visual = is_visual.nonzero()[:, 0].tolist()
    starts = [i for i, index in enumerate(visual) if i == 0 or index != visual[i - 1] + 1]
    return [end - start for start, end in pairwise([*starts, len(visual)])]
