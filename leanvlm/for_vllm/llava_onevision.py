"""LLaVA-OneVision inside vLLM, with fewer visual tokens: pictures only, since of a video vLLM prunes in its own way.

Source:  vLLM 0.32.0, model_executor/models/llava_onevision.py and interfaces.py (called, not copied).
Departs: as vLLM, several pictures are cut into tiles like a single one, where leanvlm's engine shows one tile of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from vllm.model_executor.models import llava_onevision
from vllm.model_executor.models.interfaces import SupportsMRoPE, SupportsMultiModalPruning
from vllm.multimodal import MULTIMODAL_REGISTRY
from vllm.multimodal.inputs import MultiModalFieldConfig

from leanvlm.engine.recorders import EncoderRecorder
from leanvlm.errors import InputError
from leanvlm.for_vllm.chosen import Chosen, chosen
from leanvlm.for_vllm.positions import lay_out, place, without_index
from leanvlm.for_vllm.reduce import reduced, seed_of
from leanvlm.for_vllm.tower import listening

SEED = "leanvlm_seed"  # beside a picture's pixels


def _chosen() -> Chosen:
    found = chosen()
    assert found is not None, "this model is in place only where a recipe is named"
    return found


class Info(llava_onevision.LlavaOnevisionProcessingInfo):  # type: ignore[misc]
    """Counts a picture's tokens as they will be."""

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        """Take pictures, any number of them."""
        return {"image": None}

    def get_num_image_tokens(self, *, image_width: int, image_height: int) -> int:
        """Count what the budget keeps of a picture."""
        return _chosen().n_kept(super().get_num_image_tokens(image_width=image_width, image_height=image_height))


class Processor(llava_onevision.LlavaOnevisionMultiModalProcessor):  # type: ignore[misc]
    """Sends along what a method's draws follow from."""

    def _cached_apply_hf_processor(self, inputs: Any, timing_ctx: Any) -> Any:
        found = super()._cached_apply_hf_processor(inputs, timing_ctx)
        field = MultiModalFieldConfig.batched("image", keep_on_cpu=True)
        for item, identifier in zip(found.kwargs.get("image", ()), found.hashes.get("image", ()), strict=True):
            if item is not None:  # else the engine has it already, with its seed
                [item[SEED]] = field.build_elems(SEED, torch.tensor([seed_of(_chosen(), identifier)]))
        return found


@MULTIMODAL_REGISTRY.register_processor(
    Processor, info=Info, dummy_inputs=llava_onevision.LlavaOnevisionDummyInputsBuilder
)
class Model(llava_onevision.LlavaOnevisionForConditionalGeneration, SupportsMRoPE, SupportsMultiModalPruning):  # type: ignore[misc]
    """The model; its tower, projector, packing and decoder are vLLM's."""

    supports_encoder_cudagraph = False  # a graph would not call the hook

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        self.chosen = _chosen()

    def embed_multimodal(self, **inputs: Any) -> Sequence[Tensor]:
        """Encode pictures and reduce each.

        Shapes: -> of each picture (n, C + DIGITS).
        """
        seeds = inputs.pop(SEED, None)
        parsed = self._parse_and_validate_image_input(**inputs)
        if parsed is None:
            return []
        if parsed["type"] != "pixel_values" or seeds is None:
            raise InputError(f"{self.chosen.part.text} needs pictures, not embeddings that were made of them elsewhere")
        signal = self.chosen.method.encoder
        if signal is None:
            whole = self._process_image_input(parsed)
            return [reduced(self.chosen, *one, None, None, int(seed)) for *one, seed in zip(whole, seeds, strict=True)]
        recorder = EncoderRecorder(signal, class_tokens=0)
        with listening(self._block(signal.block), recorder):
            whole = self._process_image_input(parsed)
        pictures = self._spread(parsed, recorder.attention, fill=float("-inf"))
        keys = self._spread(parsed, recorder.keys, fill=0.0)
        return [
            reduced(self.chosen, features, attention[:, 0], own_keys, int(seed))
            for features, attention, own_keys, seed in zip(whole, pictures, keys, seeds, strict=True)
        ]

    def get_mrope_input_positions(self, input_tokens: list[int], mm_features: list[Any]) -> tuple[Tensor, int]:
        """Lay a prompt out before its pictures are seen, and say how much longer the whole one is."""
        pictures = []
        for one in mm_features:
            n_tiles, size = len(one.data["pixel_values"].data), one.data["image_sizes"].data
            n = len(self._packed(torch.zeros(n_tiles, self._n_patches, 1), size, fill=0.0))
            pictures.append((one.mm_position.offset, one.mm_position.length, n))
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
        pairs = [without_index(rows) for rows in multimodal_embeddings]
        index = torch.cat([torch.empty(0, dtype=torch.long), *(own.cpu() for _, own in pairs)])
        is_visual = torch.as_tensor(input_ids, device=mrope_positions.device) == self.config.image_token_index
        placed = place(mrope_positions, is_visual, index, first=num_computed_tokens)
        return [features for features, _ in pairs], placed, int(mrope_positions[2, 0])

    @property
    def _n_patches(self) -> int:
        vision = self.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2

    def _block(self, index: int) -> Any:
        """Find a block's attention in the tower, which vLLM builds only as far as its features are read."""
        layers = self.vision_tower.vision_model.encoder.layers
        return layers[self.config.vision_config.num_hidden_layers + index].self_attn

    def _spread(self, parsed: Any, per_patch: Tensor, *, fill: float) -> list[Tensor]:
        """Bring values per patch into the order of each picture's visual tokens.

        Shapes: (patches, K) -> of each picture (N, K).
        """
        counts = [len(tiles) for tiles in parsed["pixel_values"]]
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
