"""LLaVA-OneVision inside vLLM, with fewer visual tokens; its tower, projector, packing and decoder are vLLM's.

Source:  vLLM 0.32.0, model_executor/models/llava_onevision.py and interfaces.py (called, not copied).
Departs: as vLLM, several pictures are cut into tiles like a single one, where leanvlm's engine shows one tile of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.models.llava_onevision.modeling_llava_onevision import image_size_to_num_patches
from vllm.model_executor.models import llava_onevision
from vllm.model_executor.models.interfaces import SupportsMRoPE, SupportsMultiModalPruning
from vllm.multimodal import MULTIMODAL_REGISTRY

from leanvlm.engine.attention.recorders import EncoderRecorder
from leanvlm.for_vllm import tower
from leanvlm.for_vllm.positions import lay_out, place, with_places, without_places
from leanvlm.for_vllm.processing import SEED, PicturesOnly, Reducing, named, refuse_embeddings
from leanvlm.for_vllm.reduce import reduced


class Info(PicturesOnly, llava_onevision.LlavaOnevisionProcessingInfo):  # type: ignore[misc]
    """The model's processing info, for pictures."""


class Processor(Reducing, llava_onevision.LlavaOnevisionMultiModalProcessor):  # type: ignore[misc]
    """The model's processor, with shorter prompts."""


@MULTIMODAL_REGISTRY.register_processor(
    Processor, info=Info, dummy_inputs=llava_onevision.LlavaOnevisionDummyInputsBuilder
)
class Model(llava_onevision.LlavaOnevisionForConditionalGeneration, SupportsMRoPE, SupportsMultiModalPruning):  # type: ignore[misc]
    """The model, which gives positions itself."""

    supports_encoder_cudagraph = False  # a graph would not call the hook

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        self.chosen = named()

    def embed_multimodal(self, **inputs: Any) -> Sequence[Tensor]:
        """Encode pictures and reduce each.

        Shapes: -> of each picture (n, C + DIGITS).
        """
        seeds = inputs.pop(SEED, None)
        parsed = self._parse_and_validate_image_input(**inputs)
        if parsed is None:
            return []
        if parsed["type"] != "pixel_values" or seeds is None:
            raise refuse_embeddings(self.chosen)
        kept = self._reduced(parsed, seeds)
        return [with_places(features, index[:, None]) for features, index in kept]

    def get_mrope_input_positions(self, input_tokens: list[int], mm_features: list[Any]) -> tuple[Tensor, int]:
        """Lay a prompt out before its pictures are seen, and say how much longer the whole one is."""
        pictures = [
            (one.mm_position.offset, one.mm_position.length, self._n_whole(one.data["image_sizes"].data))
            for one in mm_features
        ]
        positions = lay_out(len(input_tokens), pictures)
        return positions, int(positions[2, -1])

    def recompute_mrope_positions(
        self,
        input_ids: list[int] | Tensor,
        multimodal_embeddings: Sequence[Tensor],
        mrope_positions: Tensor,
        num_computed_tokens: int,
    ) -> tuple[Sequence[Tensor], Tensor, int]:
        """Put the visual tokens that are read next at their places."""
        is_visual = torch.as_tensor(input_ids, device=mrope_positions.device) == self.config.image_token_index
        pairs = [without_places(rows, 1) for rows in multimodal_embeddings]
        placed = mrope_positions
        if pairs:
            index = torch.cat([places[:, 0] for _, places in pairs])
            placed = place(mrope_positions, is_visual, index, first=num_computed_tokens)
        return [features for features, _ in pairs], placed, int(mrope_positions[2, 0])

    @property
    def _n_patches(self) -> int:
        vision = self.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2

    def _n_whole(self, size: Tensor) -> int:
        """Count a picture's tokens from its size: vLLM sends no pixels of what it holds in its cache of prefixes."""
        config = self.config
        n_tiles = image_size_to_num_patches(size, config.image_grid_pinpoints, config.vision_config.image_size)
        return len(self._packed(torch.zeros(n_tiles, self._n_patches, 1), size, fill=0.0))

    def _reduced(self, parsed: Any, seeds: Tensor) -> list[tuple[Tensor, Tensor]]:
        signal = self.chosen.method.encoder
        n_tiles = sum(len(own) for own in parsed["pixel_values"])
        patches = torch.ones(n_tiles * self._n_patches, 1, device=parsed["image_sizes"].device)
        is_patch = [own[:, 0] > 0 for own in self._spread(parsed, patches, fill=0.0)]
        if signal is None:
            return reduced(self.chosen, self._process_image_input(parsed), seeds, is_patch=is_patch)
        recorder = EncoderRecorder(signal, class_tokens=0)
        with tower.tiles(self._block(signal.block), recorder):
            whole = self._process_image_input(parsed)
        attention = [own[:, 0] for own in self._spread(parsed, recorder.attention, fill=float("-inf"))]
        keys = self._spread(parsed, recorder.keys, fill=0.0)
        return reduced(self.chosen, whole, seeds, is_patch=is_patch, attention=attention, keys=keys)

    def _block(self, index: int) -> Any:
        """Find a block's attention in the tower, which vLLM builds only as far as its features are read."""
        layers = self.vision_tower.vision_model.encoder.layers
        return layers[self.config.vision_config.num_hidden_layers + index].self_attn

    def _spread(self, parsed: Any, per_patch: Tensor, *, fill: float) -> list[Tensor]:
        """Bring values per patch into the order of each picture's visual tokens.

        Shapes: (patches, K) -> of each picture (N, K).
        """
        counts = [len(own) for own in parsed["pixel_values"]]
        tiles = per_patch.unflatten(0, (-1, self._n_patches)).split(counts)  # type: ignore[no-untyped-call]
        return [self._packed(own, size, fill=fill) for own, size in zip(tiles, parsed["image_sizes"], strict=True)]

    def _packed(self, per_tile: Tensor, size: Tensor, *, fill: float) -> Tensor:
        """Pack values as the model packs features, with `fill` at each row's end.

        Shapes: per_tile (tiles, patches, K) -> (N, K).
        """
        newline = per_tile.new_full((per_tile.shape[-1],), fill)
        packed: Tensor = self._merge_image_patch_embeddings(
            size, per_tile, image_newline=newline, strategy="spatial_unpad"
        )
        return packed
