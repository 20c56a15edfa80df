"""LLaVA-NeXT (1.6): a CLIP tower over a base tile and a grid of tiles, an MLP projector, a Llama-like decoder.

Source:  Liu et al. 2024, llava-vl.github.io/blog/2024-01-30-llava-next; `llava-hf/llava-v1.6-vicuna-7b-hf`.
Departs: nothing; the tower's class token is left out of the features, as `vision_feature_select_strategy` says.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    PreTrainedModel,
    ProcessorMixin,
)
from transformers.image_processing_utils import select_best_resolution
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import read_images, read_tokenizer, tower_settings


class Model(LoadedModel):
    """The adapter; with `vision_feature_layer` -2, CLIP's block -2 is the last one that the features know."""

    network_class: type[PreTrainedModel] = LlavaNextForConditionalGeneration
    class_tokens: ClassVar[int] = 1

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return LlavaNextProcessor(  # type: ignore[no-untyped-call]
            image_processor=read_images(LlavaNextImageProcessorPil, folder),
            tokenizer=tokenizer,
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell the side of a patch, and which of the tower's tokens are left out."""
        return tower_settings(LlavaNextConfig.from_pretrained(folder), folder, class_tokens=cls.class_tokens)

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:
        """Pack values as the model packs features: base tile, grid without padding, `fill` at each row's end."""
        return torch.cat(self._pack(per_patch, inputs, fill))

    def is_patch(self, inputs: dict[str, Tensor]) -> Tensor:
        """Spread ones, so that what ends rows stays zero."""
        return self.spread(torch.ones(self._n_patches(inputs), 1), inputs, fill=0.0)[:, 0] > 0

    def token_centers(self, inputs: dict[str, Tensor]) -> Tensor | None:
        """Spread the patches' own centres; a video's frames tell nothing."""
        if "image_sizes" not in inputs:
            return None
        sizes, tiles = inputs["image_sizes"].tolist(), self._tiles(inputs)
        per_patch = [self._centers(i, tuple(size), n) for i, (size, n) in enumerate(zip(sizes, tiles, strict=True))]
        return self.spread(torch.cat(per_patch), inputs, fill=float("nan"))

    def _centers(self, picture: int, size: tuple[int, int], n_tiles: int) -> Tensor:
        """Find where the patches of a picture lie: of the base tile, which shows all of it, then of a grid of tiles.

        Shapes: size (height, width) [pixels] -> (patches, 3).
        """
        config, side = self.model.config, int(self._patches**0.5)
        ticks = (torch.arange(side) + 0.5) / side
        y, x = torch.meshgrid(ticks, ticks, indexing="ij")
        found = [torch.stack([x, y], -1).flatten(0, 1)]
        if n_tiles > 1:
            height, width = select_best_resolution(size, config.image_grid_pinpoints)
            scale = min(width / size[1], height / size[0])
            drawn = torch.tensor([min(ceil(size[1] * scale), width), min(ceil(size[0] * scale), height)])  # x, y
            first = (torch.tensor([width, height]) - drawn) // 2  # of the picture amid its padding [pixels]
            tile = config.vision_config.image_size
            corners = [(left, top) for top in range(0, height, tile) for left in range(0, width, tile)]
            found += [(found[0] * tile + torch.tensor(corner) - first) / drawn for corner in corners]
        centers = torch.cat(found)
        return torch.cat([torch.full((len(centers), 1), float(picture)), centers], dim=1)

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Pack nothing and count."""
        blank = torch.zeros(self._n_patches(inputs), 1)
        return [len(picture) for picture in self._pack(blank, inputs, 0.0)]

    @property
    def _patches(self) -> int:
        vision = self.model.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2

    def _n_patches(self, inputs: dict[str, Tensor]) -> int:
        return sum(self._tiles(inputs)) * self._patches

    def _tiles(self, inputs: dict[str, Tensor]) -> list[int]:
        """Count each picture's tiles."""
        config: Any = self.model.config
        return [
            image_size_to_num_patches(size, config.image_grid_pinpoints, config.vision_config.image_size)
            for size in inputs["image_sizes"]
        ]

    def _pack(self, per_patch: Tensor, inputs: dict[str, Tensor], fill: float) -> list[Tensor]:
        per_tile = per_patch.unflatten(0, (-1, self._patches))  # type: ignore[no-untyped-call]
        packed, _ = self.model.model.pack_image_features(
            torch.split(per_tile, self._tiles(inputs)),
            inputs["image_sizes"],
            image_newline=per_patch.new_full((per_patch.shape[-1],), fill),
            **self._packing,
        )
        return list(packed)

    @property
    def _packing(self) -> dict[str, Any]:
        """What the model's own packing wants to know beside."""
        return {"vision_feature_select_strategy": self.model.config.vision_feature_select_strategy}
