"""`leanvlm.load`: a checkpoint with its adapter."""

from __future__ import annotations

from pathlib import Path

from leanvlm.models._adapter import infer
from leanvlm.models._hub import folder_of
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel


def load(checkpoint: str | Path, *, dtype: str = "float32", device: str = "cpu") -> LoadedModel:
    """Load a checkpoint; its config.json decides which adapter it gets. Remote code is never run.

    Takes: checkpoint, a folder, or `owner/name[@revision]` of the hub, which comes through the hub's cache; dtype,
    float32, bfloat16 or float16; device, cpu or cuda.

    Raises: InputError for a checkpoint that cannot be found or read, an architecture without an adapter, a dtype or
    a device that is not there.

    >>> model = load("artifacts/models/embedded")
    >>> model.architecture
    'llava_onevision'
    """
    folder = folder_of(checkpoint)
    return load_model(infer(folder), folder, dtype=dtype, device=device)
