"""Published models by their real configurations, in a local hub cache: real widths, few layers, random weights.

Numbers are those of each repository's config.json and preprocessor_config.json. The vocabulary is a small one, since no
published tokenizer can be had here. Each lays its template and its settings out as its publisher does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from leanvlm.models import lfm2_vl
from tests.models import test_layouts as layouts
from tests.models import tiny
from tests.models.test_processors import tokenizer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HALVES = [0.5, 0.5, 0.5]
LAYERS = {"num_hidden_layers": 3}
WORDS = {"vocab_size": tiny.VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
PINPOINTS = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]


@dataclass(frozen=True)
class Published:
    """A repository of the hub: its architecture, its configuration, its pictures' settings, its layout."""

    id: str
    architecture: str
    config: Callable[[], Any]
    pictures: Callable[[], Any]
    lay: Callable[[Path], None]

    @property
    def name(self) -> str:
        """What params.yaml calls it."""
        return self.id.partition("/")[2].lower()


def siglip(hidden: int, intermediate: int, heads: int, size: int, patch: int, **more: Any) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "intermediate_size": intermediate, "num_attention_heads": heads}
    return {**shape, "num_hidden_layers": 2, "image_size": size, "patch_size": patch, "vision_use_head": False, **more}


def decoder(hidden: int, intermediate: int, heads: int, groups: int, **more: Any) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "intermediate_size": intermediate, "num_attention_heads": heads}
    return {**WORDS, **LAYERS, **shape, "num_key_value_heads": groups, "max_position_embeddings": 32_768, **more}


def onevision() -> Any:
    return transformers.LlavaOnevisionConfig(
        vision_config=siglip(1152, 4304, 16, 384, 14) | {"model_type": "siglip_vision_model"},
        text_config=decoder(896, 4864, 14, 2, rope_theta=1e6) | {"model_type": "qwen2"},
        image_token_index=tiny.IMAGE,
        video_token_index=tiny.VIDEO,
        image_grid_pinpoints=PINPOINTS,
        vision_aspect_ratio="anyres_max_9",
        tie_word_embeddings=True,
    )


def smolvlm() -> Any:
    return transformers.Idefics3Config(
        vision_config=siglip(768, 3072, 12, 512, 16),
        text_config=transformers.LlamaConfig(**decoder(576, 1536, 9, 3, max_position_embeddings=8192)),
        image_token_id=tiny.IMAGE,
        scale_factor=4,
        pad_token_id=0,
    )


def qwen2_vl() -> Any:
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    return transformers.Qwen2VLConfig(
        vision_config={"depth": 2, "embed_dim": 1280, "hidden_size": 1536, "num_heads": 16, "mlp_ratio": 4},
        text_config=decoder(1536, 8960, 12, 2, rope_parameters=rope),
        image_token_id=tiny.IMAGE,
        video_token_id=tiny.VIDEO,
        vision_start_token_id=tiny.VISION_START,
        vision_end_token_id=tiny.VISION_END,
    )


def internvl3() -> Any:
    tower = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 16}
    return transformers.InternVLConfig(
        vision_config=tower | {"image_size": [448, 448], "patch_size": [14, 14]},
        text_config=transformers.Qwen2Config(**decoder(896, 4864, 14, 2, rope_theta=1e6)),
        image_token_id=tiny.IMAGE,
        image_seq_length=256,
    )


def gemma3() -> Any:
    own = {"head_dim": 256, "sliding_window": 1024, "query_pre_attn_scalar": 256}
    kinds = ["sliding_attention", "sliding_attention", "full_attention"]
    return transformers.Gemma3Config(
        text_config=decoder(2560, 10_240, 8, 4, **own, layer_types=kinds),
        vision_config=siglip(1152, 4304, 16, 896, 14),
        mm_tokens_per_image=256,
        image_token_index=tiny.IMAGE,
        boi_token_index=7,
        eoi_token_index=8,
    )


def qwen3_vl() -> Any:
    rope = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20]}
    tower = {"hidden_size": 1024, "intermediate_size": 4096, "out_hidden_size": 2048, "num_heads": 16, "patch_size": 16}
    return transformers.Qwen3VLConfig(
        vision_config={"depth": 3, **tower, "deepstack_visual_indexes": [0, 1, 2], "num_position_embeddings": 2304},
        text_config=decoder(2048, 6144, 16, 8, head_dim=128, rope_parameters=rope),
        image_token_id=tiny.IMAGE,
        video_token_id=tiny.VIDEO,
        vision_start_token_id=tiny.VISION_START,
        vision_end_token_id=tiny.VISION_END,
    )


def lfm2() -> Any:
    kinds = {"layer_types": ["conv", "full_attention", "conv"]}
    return transformers.Lfm2VlConfig(
        text_config=transformers.Lfm2Config(**decoder(1024, 6656, 16, 8, **kinds)).to_dict(),
        vision_config=siglip(768, 3072, 12, 256, 16, num_patches=256),
        image_token_id=tiny.IMAGE,
        downsample_factor=2,
        projector_hidden_size=2560,
    )


def nothing_else(_folder: Path) -> None:
    """Leave template and settings as transformers saves them one by one."""


def pixels_by_name(folder: Path) -> None:
    """Bound pixels by min_pixels and max_pixels, with the template in a file of its own, as Qwen2-VL does."""
    layouts.edit(folder / layouts.SETTINGS, min_pixels=56 * 56, max_pixels=28 * 28 * 1280)
    layouts.in_json(folder)


def tokens_told(**settings: Any) -> Callable[[Path], None]:
    """Tell in processor_config.json how many tokens a tile has, with the template in a file of its own."""

    def lay(folder: Path) -> None:
        layouts.in_json(folder)
        layouts.edit(folder / "processor_config.json", **settings)

    return lay


SQUARE = {"height": 448, "width": 448}
ALL = (
    Published("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "llava_onevision", onevision,
              lambda: LlavaOnevisionImageProcessorPil(
                  size={"height": 384, "width": 384}, image_grid_pinpoints=PINPOINTS, image_mean=HALVES,
                  image_std=HALVES),
              tokens_told(num_image_tokens=729, vision_feature_select_strategy="full")),
    Published("HuggingFaceTB/SmolVLM-256M-Instruct", "idefics3", smolvlm,
              lambda: Idefics3ImageProcessorPil(size={"longest_edge": 1024}, max_image_size={"longest_edge": 512}),
              tokens_told(image_seq_len=64)),
    Published("Qwen/Qwen2-VL-2B-Instruct", "qwen2_vl", qwen2_vl, Qwen2VLImageProcessorPil, pixels_by_name),
    Published("OpenGVLab/InternVL3-1B-hf", "internvl", internvl3,
              lambda: GotOcr2ImageProcessorPil(size=SQUARE, crop_to_patches=True, min_patches=1, max_patches=12),
              nothing_else),
    Published("google/gemma-3-4b-it", "gemma3", gemma3,
              lambda: Gemma3ImageProcessorPil(size={"height": 896, "width": 896}, image_mean=HALVES, image_std=HALVES),
              layouts.in_json),
    Published("Qwen/Qwen3-VL-2B-Instruct", "qwen3_vl", qwen3_vl,
              lambda: Qwen2VLImageProcessorPil(
                  size={"shortest_edge": 65_536, "longest_edge": 1_048_576}, patch_size=16, image_mean=HALVES,
                  image_std=HALVES), layouts.with_processor),
    Published("LiquidAI/LFM2-VL-450M", "lfm2_vl", lfm2, lfm2_vl.ImageProcessor, nothing_else),
)  # fmt: skip


def write(published: Published, home: Path) -> Path:
    """Write a repository into a hub cache; return its snapshot."""
    place = home / "hub" / f"models--{published.id.replace('/', '--')}"
    folder = place / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(COMMIT)
    config = published.config()
    kind = getattr(transformers, type(config).__name__.removesuffix("Config") + "ForConditionalGeneration")
    torch.manual_seed(0)
    network = kind(config).bfloat16()
    network.generation_config.eos_token_id = 2
    network.save_pretrained(folder, max_shard_size="200MB")
    tokenizer(published.architecture).save_pretrained(folder)
    published.pictures().save_pretrained(folder)
    published.lay(folder)
    return folder
