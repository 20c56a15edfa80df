"""Llama 3.2 Vision: a tower over tiles, whose features a Llama decoder looks at in cross-attention layers of its own.

Source:  Grattafiori et al. 2024, arXiv 2407.21783, section 7; `meta-llama/Llama-3.2-11B-Vision-Instruct`.
Departs: nothing. In the prompt a picture is one mark; its visual tokens are the features of its tiles that the
         cross-attention layers get, class tokens included, and a tile that only fills up has none. Token methods choose
         among them before the decoder, tokens/trimmed behind the first such layer. Cache methods act on the positions
         of the prompt alone: windows, sinks and recency mean nothing among keys without an order, so the keys of
         pictures stay whole, and count in bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import BatchFeature, MllamaForConditionalGeneration, MllamaProcessor, ProcessorMixin
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import read_images, read_tokenizer


class Processor(MllamaProcessor):
    """The model's processor; the chat template brings the first token, and the tokenizer must not add another."""

    def __call__(self, *args: Any, **options: Any) -> BatchFeature:
        """Make tensors of pictures and words."""
        made: BatchFeature = super().__call__(*args, add_special_tokens=False, **options)
        return made


class Model(LoadedModel):
    """The adapter."""

    network_class = MllamaForConditionalGeneration
    crosses = True
    adds_special_tokens = False
    refused: ClassVar[dict[str, str]] = dict.fromkeys(
        ("weights/awq", "weights/smoothquant"),
        "its scales pair the layers of attention with what feeds them, and pictures feed some of them past every norm",
    )

    @classmethod
    def attends(cls, config: Any) -> list[bool]:
        """Tell the layers that attend to the prompt from those that look at pictures."""
        text = config.text_config
        return [layer not in text.cross_attention_layers for layer in range(text.num_hidden_layers)]

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer and the image processor."""
        tokenizer = read_tokenizer(folder)
        image_processor = read_images(MllamaImageProcessorPil, folder)
        return Processor(image_processor, tokenizer, chat_template=tokenizer.chat_template)  # type: ignore[no-untyped-call]

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """The attention modules of both towers, one upon the other; all tiles of a picture attend to each other."""
        tower = self.model.model.vision_model
        return [layer.self_attn for layer in (*tower.transformer.layers, *tower.global_transformer.layers)]

    def is_visual(self, ids: Tensor) -> Tensor:
        """Say that none is: where a picture is marked stands a word. Shapes: (T,) -> (T,)."""
        return torch.zeros_like(ids, dtype=torch.bool)

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Count the features of each picture's tiles."""
        n_tiles = inputs["aspect_ratio_mask"][0].sum(-1)  # (pictures,)
        return (n_tiles * self.model.model.vision_model.num_patches).tolist()  # type: ignore[no-any-return]

    def n_visual(self, inputs: dict[str, Tensor]) -> int:
        """Count the features of all tiles."""
        return sum(self.image_lengths(inputs)) if "aspect_ratio_mask" in inputs else 0

    def is_patch(self, inputs: dict[str, Tensor]) -> Tensor:
        """Count class tokens among the patches: they attend, and are attended to, as those do."""
        return torch.ones(self.n_visual(inputs), dtype=torch.bool)

    def longer(self, inputs: dict[str, Tensor], ids: Tensor) -> dict[str, Tensor]:
        """Put words behind a prompt, which see what its last one sees. Shapes: ids (1, n)."""
        found = super().longer(inputs, ids)
        if (mask := found.get("cross_attention_mask")) is not None:  # (1, T, pictures, tiles)
            found["cross_attention_mask"] = torch.cat([mask, mask[:, -1:].expand(-1, ids.shape[1], -1, -1)], dim=1)
        return found

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Leave out the tiles, and the ends of tiles, that only fill up."""
        is_tile = inputs["aspect_ratio_mask"].flatten().bool()
        by_tile: Tensor = per_patch.unflatten(0, (len(is_tile), -1))  # type: ignore[no-untyped-call]
        return by_tile[is_tile, : self.model.model.vision_model.num_patches].flatten(0, 1)
