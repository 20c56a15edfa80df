"""What the vision pass made of a sample, kept on disk for the other checkpoints of the same model.

A weights method leaves the tower, the projector and the embeddings as they are, so what enters the decoder is the same
for the model and for all its checkpoints, to the bit. That is not taken on trust: the weights that a vision pass reads
are hashed as they were loaded, and are a part of the key, beside all else that a vision pass depends on. A file says
which key it was made for and seals its content; one that is damaged, or another's, is named and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from leanvlm import files
from leanvlm.engine.crossing import Crossed
from leanvlm.engine.prompt import Prompt
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Part
from leanvlm.sample import Sample

Tensors = dict[str, Tensor]


class _Unfit(Exception):
    """A file that cannot stand for a vision pass; says why."""


@dataclass(frozen=True)
class FeatureStore:
    """Where features lie, what they depend on beside sample, picture and weights, and how many bytes all may take.

    A file that would exceed them, or half of what the disk has left, is not stored, and its vision pass is run each
    time: all checkpoints ask the samples in the same order, so a file that made room by going would be missed first.
    """

    folder: Path
    parts: tuple[tuple[str, str], ...]
    most_bytes: int

    def prompt(self, model: LoadedModel, sample: Sample, part: Part | None, see: Callable[[], Prompt]) -> Prompt:
        """Return what the vision pass made of a sample, or let `see` run it and keep what it makes.

        Takes: part, the method that changed the picture before it was shown.
        """
        key = self._key(model, sample, part)
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
        if path.exists():
            try:
                return _read(path, key, model.model.device)
            except _Unfit as reason:
                print(f"the features of sample {sample.sample_id!r} in {path} {reason}; they are made anew", flush=True)
        made = see()
        self._keep(path, key, made)
        return made

    def _key(self, model: LoadedModel, sample: Sample, part: Part | None) -> str:
        own = {"dtype": str(model.model.dtype), "device": model.model.device.type, "max_pixels": str(model.max_pixels)}
        asked = {"image": part.text if part else "", "sample": _content(sample), "vision": model.vision_hash}
        return json.dumps([*self.parts, *own.items(), *asked.items()])

    def _keep(self, path: Path, key: str, made: Prompt) -> None:
        tensors, said = _packed(made)
        content = save(tensors, {"key": key, "said": said, "seal": _seal(tensors, key, said)})
        self.folder.mkdir(parents=True, exist_ok=True)
        left = min(self.most_bytes - _held_bytes(self.folder.parent), shutil.disk_usage(self.folder).free // 2)
        if len(content) <= left:
            with files.whole(path) as part:
                part.write_bytes(content)


def _held_bytes(root: Path) -> int:
    """Add up what lies in the folders of all models; there can be thousands of files."""
    folders = [entry.path for entry in os.scandir(root) if entry.is_dir()]
    found = (entry for folder in folders for entry in os.scandir(folder) if entry.name.endswith(".safetensors"))
    return sum(entry.stat().st_size for entry in found)


def _content(sample: Sample) -> str:
    hashed = hashlib.sha256(json.dumps([sample.question, sample.fps, len(sample.images)]).encode())
    for image in sample.images:
        told, data = ("file", image) if isinstance(image, bytes) else (f"{image.mode} {image.size}", image.tobytes())
        hashed.update(f"|{told} {len(data)}|".encode() + data)
    return hashed.hexdigest()


def _packed(prompt: Prompt) -> tuple[Tensors, str]:
    """Take a prompt apart, into tensors with memory of their own and what else is to be said of it."""
    masks = prompt.masks or {}
    found = {"embeds": prompt.embeds, "positions": prompt.positions}
    found |= {"is_visual": prompt.is_visual, "is_patch": prompt.is_patch, "index": prompt.index}
    found |= {f"masks.{name}": mask for name, mask in masks.items() if mask is not None}
    found |= {f"added.{place}": rows for place, rows in enumerate(prompt.added)}
    found |= {f"crossed.{name}": tensor for name, tensor in vars(prompt.crossed).items()} if prompt.crossed else {}
    said: dict[str, Any] = {"spans": prompt.spans, "is_video": prompt.is_video, "n_added": len(prompt.added)}
    said["masks"] = None if prompt.masks is None else list(masks)
    tensors = {name: tensor.cpu().clone(memory_format=torch.contiguous_format) for name, tensor in found.items()}
    return tensors, json.dumps(said)


def _unpacked(tensors: Tensors, said: Any) -> Prompt:
    masks = said["masks"]
    crossed = {name.partition(".")[2]: tensor for name, tensor in tensors.items() if name.startswith("crossed.")}
    return Prompt(
        embeds=tensors["embeds"],
        positions=tensors["positions"],
        is_visual=tensors["is_visual"],
        is_patch=tensors["is_patch"],
        index=tensors["index"],
        is_video=said["is_video"],
        spans=tuple((start, end) for start, end in said["spans"]),
        masks=None if masks is None else {name: tensors.get(f"masks.{name}") for name in masks},
        added=tuple(tensors[f"added.{place}"] for place in range(said["n_added"])),
        crossed=Crossed(**crossed) if crossed else None,
    )


def _read(path: Path, key: str, device: torch.device) -> Prompt:
    """Read a prompt.

    Raises: _Unfit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        raise _Unfit("are damaged") from None
    if told.get("seal") != _seal(tensors, told.get("key", ""), told.get("said", "")):
        raise _Unfit("were altered after they were written")
    if told["key"] != key:
        raise _Unfit("were made of other inputs than their name says")
    return _unpacked({name: tensor.to(device) for name, tensor in tensors.items()}, json.loads(told["said"]))


def _seal(tensors: Tensors, key: str, said: str) -> str:
    hashed = hashlib.sha256(json.dumps([key, said]).encode())
    for name, tensor in sorted(tensors.items()):
        hashed.update(f"|{name} {tensor.dtype} {list(tensor.shape)}|".encode())
        hashed.update(tensor.flatten().view(torch.uint8).numpy().data)
    return hashed.hexdigest()
