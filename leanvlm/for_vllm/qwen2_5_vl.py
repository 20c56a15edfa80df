"""Qwen2.5-VL inside vLLM, with fewer visual tokens; its tower, merger and decoder are vLLM's.

Source:  vLLM 0.32.0, model_executor/models/qwen2_5_vl.py (called, not copied).
Departs: nothing. Text always stands before a picture here, so the token before it says where it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from vllm.model_executor.models import qwen2_5_vl
from vllm.multimodal import MULTIMODAL_REGISTRY

from leanvlm.engine.attention.recorders import EncoderRecorder
from leanvlm.for_vllm import tower
from leanvlm.for_vllm.positions import upcoming, with_places, without_places
from leanvlm.for_vllm.processing import SEED, PicturesOnly, Reducing, named, refuse_embeddings
from leanvlm.for_vllm.reduce import reduced


class Info(PicturesOnly, qwen2_5_vl.Qwen2_5_VLProcessingInfo):  # type: ignore[misc]
    """The model's processing info, for pictures."""


class Processor(Reducing, qwen2_5_vl.Qwen2_5_VLMultiModalProcessor):  # type: ignore[misc]
    """The model's processor, with shorter prompts."""


@MULTIMODAL_REGISTRY.register_processor(Processor, info=Info, dummy_inputs=qwen2_5_vl.Qwen2_5_VLDummyInputsBuilder)
class Model(qwen2_5_vl.Qwen2_5_VLForConditionalGeneration):  # type: ignore[misc]
    """The model; a token's place in its picture is its row and column."""

    supports_encoder_cudagraph = False  # a graph would not call the hook

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        self.chosen = named()

    def embed_multimodal(self, **inputs: Any) -> Sequence[Tensor]:
        """Encode pictures and reduce each.

        Shapes: -> of each picture (n, C + 2 x DIGITS).
        """
        seeds = inputs.pop(SEED, None)
        parsed = self._parse_and_validate_image_input(**inputs)
        if parsed is None:
            return []
        if parsed["type"] != "pixel_values" or seeds is None:
            raise refuse_embeddings(self.chosen)
        grids = parsed["image_grid_thw"].tolist()
        kept = self._reduced(parsed, grids, seeds)
        widths = [width // self.visual.spatial_merge_size for _, _, width in grids]
        return [
            with_places(features, torch.stack([index // width, index % width], -1))
            for (features, index), width in zip(kept, widths, strict=True)
        ]

    def get_mrope_input_positions(self, input_tokens: list[int], mm_features: list[Any]) -> tuple[Tensor, int]:
        """Lay the whole prompt out, and leave a picture's tokens at its beginning until it is seen."""
        whole_tokens, whole_features, origins, read = list[int](), list[Any](), list[int](), 0
        for one in sorted(mm_features, key=lambda feature: feature.mm_position.offset):
            offset, n_kept = one.mm_position.offset, one.mm_position.length
            origins += range(len(whole_tokens), len(whole_tokens) + offset - read)
            whole_tokens += input_tokens[read:offset]
            n = int(one.data["image_grid_thw"].data.prod()) // self.visual.spatial_merge_size**2
            origins += [len(whole_tokens)] * n_kept
            whole_features.append(
                replace(one, mm_position=replace(one.mm_position, offset=len(whole_tokens), length=n))
            )
            whole_tokens += [self.config.image_token_id] * n
            read = offset + n_kept
        origins += range(len(whole_tokens), len(whole_tokens) + len(input_tokens) - read)
        whole_tokens += input_tokens[read:]
        positions, more = super().get_mrope_input_positions(whole_tokens, whole_features)
        return positions[:, origins], more + len(whole_tokens) - len(input_tokens)

    def recompute_mrope_positions(
        self,
        input_ids: list[int] | Tensor,
        multimodal_embeddings: Sequence[Tensor],
        mrope_positions: Tensor,
        num_computed_tokens: int,
    ) -> tuple[Sequence[Tensor], Tensor, int]:
        """Put the visual tokens that are read next at their places."""
        is_visual = torch.as_tensor(input_ids, device=mrope_positions.device) == self.config.image_token_id
        pairs = [without_places(rows, 2) for rows in multimodal_embeddings]
        placed = mrope_positions.clone()
        if pairs:
            places = torch.cat([own for _, own in pairs]).T.to(placed)  # (2, n), row and column
            at = upcoming(is_visual, places.shape[1], first=num_computed_tokens)
            index = torch.arange(len(is_visual), device=is_visual.device)
            before = index.masked_fill(is_visual, 0).cummax(0).values[at]  # the text before each picture
            placed[:, at] = placed[0, before] + 1
            placed[1:, at] += places
        return [features for features, _ in pairs], placed, int(placed[:, -1].max()) + 1 - placed.shape[1]

    def _reduced(self, parsed: Any, grids: list[list[int]], seeds: Tensor) -> list[tuple[Tensor, Tensor]]:
        signal = self.chosen.method.encoder
        if signal is None:
            whole = self._process_image_input(parsed)
            return reduced(self.chosen, whole, seeds, is_patch=_all_patches(whole))
        recorder = EncoderRecorder(signal, class_tokens=0)
        with tower.pictures(self._block(signal.block), recorder):
            whole = self._process_image_input(parsed)
        attention = [own[:, 0] for own in self._spread(grids, recorder.attention)]
        keys = self._spread(grids, recorder.keys)
        return reduced(self.chosen, whole, seeds, is_patch=_all_patches(whole), attention=attention, keys=keys)

    def _block(self, index: int) -> Any:
        """Find the attention of a block, or of the next one from there on that attends over the whole picture."""
        blocks, attending = self.visual.blocks, sorted(self.visual.fullatt_block_indexes)
        wanted = index % len(blocks)
        return blocks[next((own for own in attending if own >= wanted), attending[-1])].attn

    def _spread(self, grids: list[list[int]], per_patch: Tensor) -> list[Tensor]:
        """Average the patches that the merger joins, and undo the order of windows, in which the tower works.

        Shapes: (patches, K) -> of each picture (N, K).
        """
        merged: Tensor = per_patch.unflatten(0, (-1, self.visual.spatial_merge_size**2)).mean(1)  # type: ignore[no-untyped-call]
        windows = [self.visual.get_window_index_thw(*grid)[0] for grid in grids]
        by_picture = merged.split([len(order) for order in windows])  # type: ignore[no-untyped-call]
        return [own[torch.argsort(order).to(own.device)] for own, order in zip(by_picture, windows, strict=True)]


def _all_patches(whole: Sequence[Tensor]) -> list[Tensor]:
    """Say that patches stand behind all tokens: no row ends with one of its own."""
    return [torch.ones(len(own), dtype=torch.bool, device=own.device) for own in whole]
