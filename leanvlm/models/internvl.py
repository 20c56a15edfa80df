"""InternVL 2.5 and 3: an InternViT tower over tiles, pixel shuffle to a quarter of the tokens, a Qwen2 decoder.

Source:  Zhu et al. 2025, arXiv 2504.10479; `OpenGVLab/InternVL3-8B-hf`, the checkpoints in transformers' own format.
Departs: nothing; for videos see _video.py. A frame is a picture of one tile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import InternVLConfig, InternVLForConditionalGeneration, InternVLProcessor, ProcessorMixin
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from leanvlm.models._reading import own_settings, read_images, read_tokenizer
from leanvlm.models._video import Frames, FramesProcessor, VideoModel


class Processor(FramesProcessor, InternVLProcessor):
    """InternVL's processor with our frames."""


class Model(VideoModel):
    """The adapter."""

    network_class = InternVLForConditionalGeneration
    class_tokens = 1

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return Processor(
            image_processor=read_images(GotOcr2ImageProcessorPil, folder),
            tokenizer=tokenizer,
            frames=Frames(folder),
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell how many tokens a tile has."""
        config: Any = InternVLConfig.from_pretrained(folder)
        return {"image_seq_length": config.image_seq_length} | own_settings(folder, "image_seq_length")

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """InternViT's blocks; features come from the last one."""
        return [layer.attention for layer in self.model.model.vision_tower.encoder.layer]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the pixel shuffle puts side by side; every token has some."""
        vision = self.model.config.vision_config
        height, width = (side // patch for side, patch in zip(vision.image_size, vision.patch_size, strict=True))
        grid: Tensor = per_patch.unflatten(0, (-1, height, width))  # type: ignore[no-untyped-call]
        shuffled = self.model.model.pixel_shuffle(grid, self.model.config.downsample_ratio)
        return shuffled.reshape(-1, shuffled.shape[-1] // per_patch.shape[-1], per_patch.shape[-1]).mean(1)  # type: ignore[no-any-return]
