"""What a checkpoint has to look like for those who read published ones: vLLM, and transformers' AutoProcessor.

In memory tensors have other names than in the hub's checkpoints, and what an adapter derives from a model's shape is
told to a processor by nothing but its own file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.models.auto.auto_mappings import PROCESSOR_MAPPING_NAMES

from leanvlm import plugins
from leanvlm.models._adapter import infer
from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import PROCESSOR, own_settings


def published_names(network: PreTrainedModel) -> Callable[[str], str]:
    """Return what says under which name a tensor is published, given its name in memory.

    Only what names the module changes, so weights that were packed, and their scales, are named too. transformers, when
    it saves a network that it did not load, leaves `vision_model` out of a tower's names, without which vLLM stops.
    """
    renamings = [one.reverse_transform() for one in reversed(get_model_conversion_mapping(network, add_legacy=False))]

    def published(name: str) -> str:
        for renaming in renamings:
            name, _ = renaming.rename_source_key(name)
        return name

    return published


def untied(network: PreTrainedModel) -> dict[str, Tensor]:
    """Return a network's tensors by their names in memory, each once where two names share it."""
    tied = set(getattr(network, "all_tied_weights_keys", None) or ())
    return {name: value for name, value in network.state_dict().items() if name not in tied}


def save_published(network: PreTrainedModel, folder: Path) -> None:
    """Write a small network, in one file, as transformers does, but under published names."""
    network.save_pretrained(folder)
    published = published_names(network)
    tensors = {published(name): value.contiguous() for name, value in untied(network).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def complete_processor(folder: Path) -> None:
    """Write to a checkpoint's processor_config.json what its adapter derives, where the file does not say it."""
    architecture, own = infer(folder), own_settings(folder)
    kind: type[LoadedModel] = plugins.load("models", architecture)
    whole = {"processor_class": PROCESSOR_MAPPING_NAMES[architecture], **kind.processor_settings(folder), **own}
    if whole.keys() - own.keys() - {"processor_class"}:  # else AutoProcessor finds the class by the model's type
        (folder / PROCESSOR).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
