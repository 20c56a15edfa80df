"""Load a checkpoint by the name of its architecture."""

from __future__ import annotations

from pathlib import Path

import torch

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.models._reading import no_checkpoint


def load_model(
    architecture: str,
    folder: Path,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    device_map: str | None = None,
    max_pixels: int | None = None,
) -> LoadedModel:
    """Load a checkpoint folder with its architecture's adapter.

    Takes: device_map, such as "auto", where several devices share the layers, instead of `device`; max_pixels, of a
    picture: one that has more is shrunk before anything else sees it.

    Raises: InputError for an unknown architecture, dtype or device, and for a missing checkpoint.
    """
    kind: type[LoadedModel] = plugins.load("models", architecture)
    if dtype not in DTYPES:
        raise InputError(f"no dtype {dtype!r}; choose one of {', '.join(DTYPES)}")
    refuse_device(device)
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise no_checkpoint(folder)
    return kind.load(folder, dtype=dtype, device=device, device_map=device_map, max_pixels=max_pixels)


def refuse_device(device: str) -> None:
    """Refuse what is no device, and a GPU where there is none.

    Raises: InputError.
    """
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise InputError(f"no device {device!r}; choose cpu or cuda")
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {device!r} was asked for and there is none; choose cpu, or run where a GPU is")
