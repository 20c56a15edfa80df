"""LFM2-VL: a SigLIP2 tower at the picture's own shape, four patches to a token, a decoder that convolves and attends.

Source:  Liquid AI 2025, arXiv 2511.23404; `LiquidAI/LFM2-VL-1.6B`.
Departs: a large picture is shrunk to one tile, which is `do_image_splitting=False` of the published image processor:
         that one needs torchvision, so pictures go through SigLIP2's on PIL, at the same size. Cache methods act on the
         layers that attend; what the others carry is as large for any budget. Inside the decoder, tokens can be dropped
         where the layer below attends; convolutions then run over those that are left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import BatchFeature, Lfm2VlForConditionalGeneration, Lfm2VlProcessor, ProcessorMixin
from transformers.image_utils import SizeDict
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
from transformers.models.siglip2.image_processing_pil_siglip2 import (
    Siglip2ImageProcessorKwargs,
    Siglip2ImageProcessorPil,
)

from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import read_images, read_tokenizer


class Wishes(Siglip2ImageProcessorKwargs, total=False):
    """What the processor asks of the image processor: always told."""

    return_row_col_info: bool


class ImageProcessor(Siglip2ImageProcessorPil):
    """SigLIP2's image processor with LFM2-VL's rule for a picture's size: whole tokens, within limits."""

    valid_kwargs = Wishes
    encoder_patch_size, downsample_factor, tile_size = 16, 2, 512
    min_image_tokens, max_image_tokens, use_thumbnail = 64, 256, False

    def _preprocess(self, images: list[Any], **options: Any) -> BatchFeature:  # type: ignore[override]
        sizes = [self._size(*image.shape[-2:]) for image in images]
        sized = [
            self.resize(image, SizeDict(height=height, width=width), resample=options["resample"])
            for image, (height, width) in zip(images, sizes, strict=True)
        ]
        n_patches = max(height * width for height, width in sizes) // self.encoder_patch_size**2
        options |= {"do_resize": False, "patch_size": self.encoder_patch_size, "max_num_patches": n_patches}
        found = super()._preprocess(sized, **options)
        found.update({"image_rows": [1] * len(sizes), "image_cols": [1] * len(sizes), "image_sizes": sizes})
        return found

    def _size(self, height: int, width: int) -> tuple[int, int]:
        side = self.encoder_patch_size * self.downsample_factor  # of a token [pixels]
        least, most = self.min_image_tokens * side**2, self.max_image_tokens * side**2
        return smart_resize(height, width, side, min_pixels=least, max_pixels=most)  # type: ignore[no-any-return]


class Model(LoadedModel):
    """The adapter."""

    network_class = Lfm2VlForConditionalGeneration
    adds_special_tokens = False
    refused: ClassVar[dict[str, str]] = dict.fromkeys(
        ("weights/awq", "weights/smoothquant"),
        "its scales pair the layers of attention with what feeds them, and some layers have no attention",
    )

    @classmethod
    def attends(cls, config: Any) -> list[bool]:
        """Tell the layers that attend from those that convolve."""
        return [kind == "full_attention" for kind in config.text_config.layer_types]

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer and the image processor."""
        tokenizer = read_tokenizer(folder)
        image_processor = read_images(ImageProcessor, folder)
        return Lfm2VlProcessor(image_processor, tokenizer, chat_template=tokenizer.chat_template)

    @property
    def norm(self) -> Any:
        """The norm that bears another name than elsewhere."""
        return self.text.embedding_norm

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the projector joins, padding left out; every token has some."""
        shapes = inputs["spatial_shapes"].tolist()
        joined: list[Tensor] = []
        for padded, (height, width) in zip(per_patch.chunk(len(shapes)), shapes, strict=True):
            grid = padded[: height * width].view(1, height, width, -1)
            joined.append(self.model.model.multi_modal_projector.pixel_unshuffle(grid).flatten(0, 2))
        return torch.cat(joined).view(-1, self.model.config.downsample_factor**2, per_patch.shape[1]).mean(1)
