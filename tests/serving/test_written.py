"""A compressed folder has the tensor names that published checkpoints of its architecture have, and nothing is lost.

What vLLM reads, without vLLM: it stops at a name that it does not know.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForImageTextToText

from leanvlm import files
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import record
from leanvlm.models._published import save_published
from leanvlm.recipes import parse
from tests.methods import saved
from tests.models import tiny

TOWER, LLAVA = "vision_tower.vision_model", ("language_model.model", "language_model.lm_head", "multi_modal_projector")
QWEN = ("model", "lm_head", "visual")
PUBLISHED = {  # what tensors are published under: the first parts of their names, of model.safetensors.index.json
    "gemma3": (*LLAVA, TOWER),  # google/gemma-3-4b-it
    "idefics3": (
        "model.text_model",
        "lm_head",
        "model.connector",
        "model.vision_model",
    ),  # HuggingFaceTB/SmolVLM-256M-Instruct
    "internvl": (*LLAVA, "vision_tower"),  # OpenGVLab/InternVL3-1B-hf
    "lfm2_vl": (
        "model.language_model",
        "lm_head",
        "model.multi_modal_projector",
        f"model.{TOWER}",
    ),  # LiquidAI/LFM2-VL-450M
    "llava": (*LLAVA, TOWER),  # llava-hf/llava-1.5-7b-hf
    "llava_next": (*LLAVA, TOWER, "image_newline"),  # llava-hf/llava-v1.6-vicuna-7b-hf
    "llava_onevision": (*LLAVA, TOWER, "image_newline"),  # llava-hf/llava-onevision-qwen2-0.5b-ov-hf
    "mllama": ("language_model.model", "language_model.lm_head", "multi_modal_projector", "vision_model"),  # meta-llama
    "qwen2_5_vl": QWEN,  # Qwen/Qwen2.5-VL-7B-Instruct
    "qwen2_vl": QWEN,  # Qwen/Qwen2-VL-2B-Instruct
    "qwen3_vl": ("model.language_model", "lm_head", "model.visual"),  # Qwen/Qwen3-VL-2B-Instruct
}
NEXT = {  # what stands behind those parts: no module that transformers puts between them is left in
    TOWER: r"embeddings|encoder|pre_layrnorm|post_layernorm",
    "vision_tower": r"embeddings|encoder|layernorm",
    "model": r"embed_tokens|layers|norm",
    "language_model.model": r"embed_tokens|layers|norm",
}


def names(folder: Path) -> set[str]:
    found: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            found |= set(file.keys())
    return found


def is_published(name: str, architecture: str) -> bool:
    longest = max((part for part in PUBLISHED[architecture] if f"{name}.".startswith(f"{part}.")), key=len, default="")
    behind = name.removeprefix(f"{longest}.").partition(".")[0]
    return bool(longest) and re.fullmatch(NEXT.get(longest, ".*"), behind) is not None


@pytest.mark.parametrize("architecture", tiny.BUILDERS)
@pytest.mark.parametrize("is_source_published", [True, False])
def test_a_compressed_folder_has_published_names(architecture: str, is_source_published: bool, tmp_path: Path) -> None:
    """Whether the source has them, or those under which transformers saves a network that it made itself."""
    source, folder = tmp_path / "source", tmp_path / "compressed"
    network = tiny.build(architecture).model.to(torch.bfloat16)
    save_published(network, source) if is_source_published else network.save_pretrained(source)
    folder.mkdir()
    model, samples = saved.read(architecture, source)
    methods = [part.built for part in parse("weights/rtn@w8a8").parts]
    produce(methods, model.model, record(model.model, samples[:1]), source=source, folder=folder)
    assert [name for name in names(folder) if not is_published(name, architecture)] == []
    assert {name.removesuffix("_scale") for name in names(folder)} == names(source) or not is_source_published
    assert lost(folder) == {}


def test_the_embedded_model_has_published_names() -> None:
    assert [name for name in names(files.EMBEDDED) if not is_published(name, "llava_onevision")] == []
    assert lost(files.EMBEDDED) == {}


def lost(folder: Path) -> dict[str, Any]:
    """Return what transformers misses in a folder, or does not know, or finds in another shape."""
    _, info = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    return {kind: found for kind, found in info.items() if found}
