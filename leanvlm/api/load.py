"""`leanvlm.load`: a checkpoint with its adapter."""

from __future__ import annotations

from pathlib import Path

from leanvlm.errors import InputError
from leanvlm.models._adapter import infer
from leanvlm.models._hub import folder_of
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel


def load(
    checkpoint: str | Path, *, dtype: str = "float32", device: str = "cpu", max_pixels: int | None = None
) -> LoadedModel:
    """Load a checkpoint; its config.json decides which adapter it gets. Remote code is never run.

    Takes: checkpoint, a folder, or `owner/name[@revision]` of the hub, which comes through the hub's cache; dtype,
    float32, bfloat16 or float16; device, cpu or cuda; max_pixels, of a picture: one that has more is shrunk first.

    Raises: InputError for a checkpoint that cannot be found or read, an architecture without an adapter, a dtype or
    a device that is not there, and max_pixels below 1.

    >>> model = load("artifacts/models/embedded")
    >>> model.architecture
    'llava_onevision'
    """
    if max_pixels is not None and max_pixels < 1:
        raise InputError(f"max_pixels is {max_pixels}; it must be 1 or more")
    folder = folder_of(checkpoint)
    return load_model(infer(folder), folder, dtype=dtype, device=device, max_pixels=max_pixels)
