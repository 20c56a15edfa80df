"""Gemma 3: a SigLIP tower, average pooling to 256 tokens a picture, a decoder with sliding windows.

Source:  Gemma Team 2025, arXiv 2503.19786; `google/gemma-3-4b-it`.
Departs: nothing. The tokens of a picture see each other in both directions, by masks that the model makes and the
         engine hands on. Longer prompts than the sliding window are refused: the layers that slide would hold only a
         part, and what a cache method keeps of it would not compare.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor, ProcessorMixin
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import own_settings, read_images, read_tokenizer


class Model(LoadedModel):
    """The adapter."""

    network_class = Gemma3ForConditionalGeneration

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return Gemma3Processor(
            image_processor=read_images(Gemma3ImageProcessorPil, folder),
            tokenizer=tokenizer,
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell how many tokens a picture has."""
        config: Any = Gemma3Config.from_pretrained(folder)
        return {"image_seq_length": config.mm_tokens_per_image} | own_settings(folder, "image_seq_length")

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the projector pools; every token has some."""
        projector = self.model.model.multi_modal_projector
        side = projector.patches_per_image
        grid: Tensor = per_patch.unflatten(0, (-1, side, side))  # type: ignore[no-untyped-call]
        pooled = projector.avg_pool(grid.permute(0, 3, 1, 2))  # (pictures, C, side, side)
        return pooled.flatten(2).transpose(1, 2).flatten(0, 1)  # type: ignore[no-any-return]

    @property
    def context_limit(self) -> int:
        """The sliding window must hold the prompt and the answer."""
        return int(self.model.config.text_config.sliding_window)
