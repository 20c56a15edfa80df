"""Idefics3 and SmolVLM: a SigLIP tower over tiles, pixel shuffle to a fraction of the tokens, a Llama decoder.

Source:  Laurencon et al. 2024, arXiv 2408.12637, and Marafioti et al. 2025, arXiv 2504.05299;
         `HuggingFaceM4/Idefics3-8B-Llama3`, `HuggingFaceTB/SmolVLM-Instruct`.
Departs: each tile is an image of its own, with its own budget, since row and column tags lie between them. SmolVLM2 has
         another network class, whose processor needs the package num2words: not covered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor, ProcessorMixin
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import own_settings, read_images, read_tokenizer


class Model(LoadedModel):
    """The adapter."""

    network_class = Idefics3ForConditionalGeneration

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return Idefics3Processor(
            image_processor=read_images(Idefics3ImageProcessorPil, folder),
            tokenizer=tokenizer,
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell how many tokens a tile has."""
        config: Any = Idefics3Config.from_pretrained(folder)
        side = config.vision_config.image_size // config.vision_config.patch_size
        return {"image_seq_len": (side // config.scale_factor) ** 2} | own_settings(folder, "image_seq_len")

    @property
    def text(self) -> Any:
        """The Llama stack."""
        return self.model.model.text_model

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """SigLIP's blocks; it has no class token."""
        return [layer.self_attn for layer in self.model.model.vision_model.encoder.layers]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the pixel shuffle puts side by side; every token has some."""
        vision = self.model.config.vision_config
        tiles: Tensor = per_patch.unflatten(0, (-1, (vision.image_size // vision.patch_size) ** 2))  # type: ignore[no-untyped-call]
        shuffled = self.model.model.connector.pixel_shuffle(tiles, self.model.config.scale_factor)
        return shuffled.reshape(-1, shuffled.shape[-1] // per_patch.shape[-1], per_patch.shape[-1]).mean(1)  # type: ignore[no-any-return]
