"""Tiny random models of every architecture, with prompts ready made: a few milliseconds each, nothing is downloaded.

Queries and keys are large, so that attention is not uniform and a wrong choice shows. Four decoder layers, two
key-value heads for four query heads. Each model has the prompts "one" (one picture), "two" (two pictures with text
between) and "none"; the question's text names the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
import transformers
from PIL.Image import Image
from PIL.Image import new as new_image
from torch import Tensor
from transformers.models.mllama.processing_mllama import (
    convert_sparse_cross_attention_mask_to_dense,
    get_cross_attention_token_mask,
)

from leanvlm import plugins
from leanvlm.models._model import LoadedModel

IMAGE, VIDEO, VISION_START, VISION_END, ROW_TAG = 5, 6, 7, 8, 9
VOCABULARY = 200
PROMPTS = ("one", "two")
N_LINEARS = {"lfm2_vl": 24}  # linear layers of the decoder where they are not seven in each of four layers
Inputs = dict[str, Tensor]


class _Tokenizer:
    def decode(self, tokens: Sequence[int], **options: Any) -> str:
        return " ".join(map(str, tokens))


class _Tiny:
    prompts: dict[str, Inputs]

    @property
    def stop_ids(self) -> frozenset[int]:
        return frozenset()

    def inputs(self, images: Sequence[Image], question: str) -> Inputs:
        return dict(self.prompts[question if images else "none"])


def build(architecture: str) -> Any:
    """Make the tiny model of one architecture."""
    network, prompts = BUILDERS[architecture]()
    adapter: type[LoadedModel] = plugins.load("models", architecture)
    kind: Any = type("Tiny", (_Tiny, adapter), {})
    model = kind(network, SimpleNamespace(tokenizer=_Tokenizer()))
    model.prompts = {"none": {"input_ids": words(26, seed=3)}, **prompts}
    return model


def pictures(prompt: str) -> list[Image]:
    """Return blank pictures, as many as the prompt has; tiny models do not look at them."""
    return [new_image("RGB", (8, 8))] * {"none": 0, "one": 1, "two": 2}[prompt]


def words(n: int, *, seed: int) -> Tensor:
    return torch.randint(10, VOCABULARY, (1, n), generator=torch.Generator().manual_seed(seed))


def pixels(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def interleave(*counts: int | Tensor) -> Tensor:
    """Put words before, between and after runs of image tokens; a tensor stands for a picture with tags inside."""
    runs = [torch.full((1, n), IMAGE) if isinstance(n, int) else n for n in counts]
    parts = [part for i, run in enumerate(runs) for part in (words(5, seed=i), run)]
    return torch.cat([*parts, words(20, seed=99)], dim=1)


def randomise(model: Any) -> Any:
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "embed_tokens" in name or any(part in name for part in ("newline", "cls_token", "class_embedding")):
            parameter.data = noise
        elif parameter.ndim >= 2:
            gain = 2.0 if any(part in name for part in ("q_proj", "k_proj", "qkv")) else 1.0
            parameter.data = noise * gain / parameter[0].numel() ** 0.5
        elif "bias" in name:
            parameter.data = noise * 0.1
        elif "lambda_" in name:
            parameter.data.fill_(0.5)
    return model.eval()


TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
    "tie_word_embeddings": False,
}


def vision(**shape: Any) -> dict[str, Any]:
    return {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, **shape}


def clip() -> Any:
    return transformers.CLIPVisionConfig(**vision(image_size=56, patch_size=14, projection_dim=32))


def llava() -> tuple[Any, dict[str, Inputs]]:
    config = transformers.LlavaConfig(
        vision_config=clip(), text_config=transformers.LlamaConfig(**TEXT), image_token_id=IMAGE, image_seq_length=16
    )
    return randomise(transformers.LlavaForConditionalGeneration(config)), {
        "one": {"input_ids": interleave(16), "pixel_values": pixels(1, 3, 56, 56)},
        "two": {"input_ids": interleave(16, 16), "pixel_values": pixels(2, 3, 56, 56)},
    }


def llava_next() -> tuple[Any, dict[str, Inputs]]:
    config = transformers.LlavaNextConfig(
        vision_config=clip(),
        text_config=transformers.LlamaConfig(**TEXT),
        image_token_id=IMAGE,
        image_grid_pinpoints=[[56, 112], [112, 56], [112, 112]],
        image_seq_length=16,
    )
    model = randomise(transformers.LlavaNextForConditionalGeneration(config))

    def prompt(*sizes: tuple[int, int]) -> Inputs:
        pixel_values, image_sizes = pixels(len(sizes), 5, 3, 56, 56), torch.tensor(sizes)
        features = model.model.get_image_features(pixel_values, image_sizes, return_dict=True).pooler_output
        ids = interleave(*(len(rows) for rows in features))
        return {"input_ids": ids, "pixel_values": pixel_values, "image_sizes": image_sizes}

    return model, {"one": prompt((100, 112)), "two": prompt((100, 112), (40, 100))}


def qwen(kind: str, prefix: str, tower: dict[str, Any]) -> tuple[Any, dict[str, Inputs]]:
    shape = {"depth": 4, "num_heads": 4, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    text = {name: value for name, value in TEXT.items() if name != "tie_word_embeddings"}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
    config = getattr(transformers, f"{prefix}Config")(
        vision_config={**shape, "in_channels": 3, **tower},
        text_config=text if kind != "qwen3_vl" else {**text, "head_dim": 16},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=False,
    )

    def prompt(*grids: tuple[int, int, int]) -> Inputs:
        grid = torch.tensor(grids)
        tags = torch.tensor([[VISION_START]]), torch.tensor([[VISION_END]])
        runs = [torch.cat([tags[0], torch.full((1, int(n) // 4), IMAGE), tags[1]], 1) for n in grid.prod(-1)]
        ids = interleave(*runs)
        pixel_values = pixels(int(grid.prod(-1).sum()), 3 * 2 * 14 * 14)
        types = (ids == IMAGE).int()
        return {"input_ids": ids, "pixel_values": pixel_values, "image_grid_thw": grid, "mm_token_type_ids": types}

    network = randomise(getattr(transformers, f"{prefix}ForConditionalGeneration")(config))
    return network, {"one": prompt((1, 8, 12)), "two": prompt((1, 8, 12), (1, 10, 6))}


def qwen2_vl() -> tuple[Any, dict[str, Inputs]]:
    return qwen("qwen2_vl", "Qwen2VL", {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2})


def qwen2_5_vl() -> tuple[Any, dict[str, Inputs]]:
    tower = {"hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64}
    return qwen("qwen2_5_vl", "Qwen2_5_VL", {**tower, "window_size": 56, "fullatt_block_indexes": [1, 3]})


def qwen3_vl() -> tuple[Any, dict[str, Inputs]]:
    tower = {"hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_position_embeddings": 64}
    return qwen("qwen3_vl", "Qwen3VL", {**tower, "deepstack_visual_indexes": [0, 1, 2]})


def internvl() -> tuple[Any, dict[str, Inputs]]:
    tower = vision(image_size=[112, 112], patch_size=[14, 14], use_qk_norm=False)
    config = transformers.InternVLConfig(
        vision_config=tower,
        text_config=transformers.Qwen2Config(**TEXT),
        image_token_id=IMAGE,
        image_seq_length=16,
        tie_word_embeddings=False,
        downsample_ratio=0.5,
        vision_feature_layer=-1,
    )
    return randomise(transformers.InternVLForConditionalGeneration(config)), {
        "one": {"input_ids": interleave(3 * 16), "pixel_values": pixels(3, 3, 112, 112)},
        "two": {"input_ids": interleave(3 * 16, 16), "pixel_values": pixels(4, 3, 112, 112)},
    }


def idefics3() -> tuple[Any, dict[str, Inputs]]:
    config = transformers.Idefics3Config(
        vision_config=vision(image_size=56, patch_size=7),
        text_config=transformers.LlamaConfig(**TEXT),
        image_token_id=IMAGE,
        scale_factor=2,
        tie_word_embeddings=False,
        pad_token_id=0,
    )
    tile = torch.tensor([[ROW_TAG] + [IMAGE] * 16])
    network = randomise(transformers.Idefics3ForConditionalGeneration(config))
    return network, {
        "one": {"input_ids": interleave(tile.repeat(1, 3)), "pixel_values": pixels(1, 3, 3, 56, 56)},
        "two": {"input_ids": interleave(tile.repeat(1, 2), tile), "pixel_values": pixels(1, 3, 3, 56, 56)},
    }


def gemma3() -> tuple[Any, dict[str, Inputs]]:
    text = {name: value for name, value in TEXT.items() if name != "tie_word_embeddings"}
    text |= {"head_dim": 16, "sliding_window": 512, "query_pre_attn_scalar": 16}
    text["layer_types"] = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]
    config = transformers.Gemma3Config(
        text_config=text,
        vision_config=transformers.SiglipVisionConfig(
            **vision(image_size=112, patch_size=14, vision_use_head=False)
        ).to_dict(),
        mm_tokens_per_image=16,
        tie_word_embeddings=False,
        image_token_index=IMAGE,
        boi_token_index=VISION_START,
        eoi_token_index=VISION_END,
    )

    def prompt(n: int) -> Inputs:
        ids = interleave(*[16] * n)
        return {"input_ids": ids, "pixel_values": pixels(n, 3, 112, 112), "token_type_ids": (ids == IMAGE).long()}

    return randomise(transformers.Gemma3ForConditionalGeneration(config)), {"one": prompt(1), "two": prompt(2)}


def lfm2_vl() -> tuple[Any, dict[str, Inputs]]:
    text = {**TEXT, "layer_types": ["conv", "full_attention", "conv", "full_attention"]}
    config = transformers.Lfm2VlConfig(
        text_config=transformers.Lfm2Config(**text).to_dict(),
        vision_config=vision(patch_size=14, num_patches=16, vision_use_head=False),
        image_token_id=IMAGE,
        downsample_factor=2,
        projector_hidden_size=64,
        tie_word_embeddings=False,
    )

    def prompt(*grids: tuple[int, int]) -> Inputs:
        shapes = torch.tensor(grids)
        n_patches = shapes.prod(-1)
        return {
            "input_ids": interleave(*(int(n) // 4 for n in n_patches)),
            "pixel_values": pixels(len(grids), 64, 14 * 14 * 3),
            "spatial_shapes": shapes,
            "pixel_attention_mask": (torch.arange(64) < n_patches[:, None]).long(),
        }

    return randomise(transformers.Lfm2VlForConditionalGeneration(config)), {
        "one": prompt((8, 8)),
        "two": prompt((6, 10), (8, 4)),
    }


def mllama() -> tuple[Any, dict[str, Inputs]]:
    tower = vision(image_size=56, patch_size=14, num_global_layers=2, vision_output_dim=96)
    config = transformers.MllamaConfig(
        vision_config=tower | {"intermediate_layers_indices": [0, 1]},
        text_config={**TEXT, "cross_attention_layers": [1, 3]},
        image_token_index=IMAGE,
    )
    network = randomise(transformers.MllamaForConditionalGeneration(config))
    for name, parameter in network.named_parameters():
        if "gate" in name and parameter.shape == (1,):  # zeros would shut the pictures out
            parameter.data.fill_(1.0)

    def prompt(*grids: tuple[int, int]) -> Inputs:
        ids = torch.cat([words(10, seed=98), interleave(*[1] * len(grids))], dim=1)
        return crossed(ids, [height * width for height, width in grids], grids, config)

    return network, {"one": prompt((1, 3)), "two": prompt((1, 2), (2, 2))}


def crossed(ids: Tensor, n_tiles: list[int], grids: Sequence[tuple[int, int]], config: Any) -> Inputs:
    """Put pictures of several tiles beside a prompt that marks their places, as transformers' processor does."""
    seen = get_cross_attention_token_mask(ids[0].tolist(), IMAGE)
    mask = convert_sparse_cross_attention_mask_to_dense([seen], [n_tiles], 4, ids.shape[1])
    ratios = config.vision_config.supported_aspect_ratios
    return {
        "input_ids": ids,
        "pixel_values": pixels(1, len(grids), 4, 3, 56, 56),
        "aspect_ratio_ids": torch.tensor([[1 + ratios.index(list(grid)) for grid in grids]]),
        "aspect_ratio_mask": (torch.arange(4) < torch.tensor(n_tiles)[:, None]).long()[None],
        "cross_attention_mask": torch.tensor(mask),
    }


EMBEDDED = (
    "llava_onevision"  # whose tiny model is the embedded model's own shape, with random weights: tests/conftest.py
)
# A function of the model's name builds it: a new one is a function here, and every general test asks it.
BUILDERS: dict[str, Any] = {name: globals()[name] for name in plugins.ids("models") if name in globals()}
