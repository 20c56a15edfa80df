"""LLaVA 1.5: a CLIP tower, an MLP projector and a Llama decoder; one patch makes one visual token.

Source:  Liu et al. 2023, arXiv 2310.03744; `llava-hf/llava-1.5-7b-hf`.
Departs: nothing; the tower's class token is left out of the features, as `vision_feature_select_strategy` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor, ProcessorMixin
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import read_images, read_tokenizer, tower_settings


class Model(LoadedModel):
    """The adapter.

    With `vision_feature_layer` -2, CLIP's block -2 is the last one that the features know. It is also the block that
    VisionZip's code reads; block -1 runs, and nobody uses what it makes.
    """

    network_class = LlavaForConditionalGeneration
    class_tokens = 1

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, CLIP's image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return LlavaProcessor(  # type: ignore[no-untyped-call]
            image_processor=read_images(CLIPImageProcessorPil, folder),
            tokenizer=tokenizer,
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell the side of a patch, and which of the tower's tokens are left out."""
        return tower_settings(LlavaConfig.from_pretrained(folder), folder, class_tokens=cls.class_tokens)

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Give every picture the same number."""
        return [self.model.config.image_seq_length] * len(inputs["pixel_values"])

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Return the values as they are."""
        return per_patch
