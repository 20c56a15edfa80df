"""What both sides of a picture's way share: its prompt is shorter, and what draws follow from is sent along.

Source:  vLLM 0.32.0, multimodal/processing/processor.py (called, not copied).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from vllm.multimodal.inputs import MultiModalFieldConfig

from leanvlm.errors import InputError
from leanvlm.for_vllm.chosen import Chosen, chosen
from leanvlm.for_vllm.reduce import seed_of

SEED = "leanvlm_seed"  # beside a picture's pixels


def named() -> Chosen:
    """Return the recipe that the environment names, as it must where our models are in place."""
    found = chosen()
    assert found is not None, "our models are in place only where a recipe is named"
    return found


def refuse_embeddings(method: Chosen) -> InputError:
    """Say that pictures are wanted."""
    return InputError(f"{method.part.text} needs pictures, not embeddings that were made of them elsewhere")


class PicturesOnly:
    """Stands before a model's processing info: of a video vLLM prunes in its own way."""

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        """Take pictures, any number of them."""
        return {"image": None}


class Reducing:
    """Stands before a model's processor."""

    def _get_prompt_updates(self, *args: Any, **options: Any) -> list[Any]:
        """Let a picture's placeholders be as many as the budget keeps, which is known before it is seen."""
        updates = super()._get_prompt_updates(*args, **options)  # type: ignore[misc]
        return [_shortened(one) if one.modality == "image" else one for one in updates]

    def _cached_apply_hf_processor(self, *args: Any, **options: Any) -> Any:
        found = super()._cached_apply_hf_processor(*args, **options)  # type: ignore[misc]
        field = MultiModalFieldConfig.batched("image", keep_on_cpu=True)
        for item, identifier in zip(found.kwargs.get("image", ()), found.hashes.get("image", ()), strict=True):
            if item is not None:  # else the engine has it already, with its seed
                [item[SEED]] = field.build_elems(SEED, torch.tensor([seed_of(named(), identifier)]))
        return found


def _shortened(update: Any) -> Any:
    whole, n_kept = update.replacement, named().n_kept

    def kept(index: int) -> list[int]:
        ids: list[int] = whole(index)
        return ids[: n_kept(len(ids))]

    return replace(update, replacement=kept)
