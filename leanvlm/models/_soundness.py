"""Weights are sound before they are asked: whole files inside their folder, of the dtype that config.json names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.models._reading import read_json

INDEX = "model.safetensors.index.json"
FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
HELD = {  # what each dtype holds to the bit
    "float64": {"float64", "float32", "float16", "bfloat16"},
    "float32": {"float32", "float16", "bfloat16"},
    "float16": {"float16"},
    "bfloat16": {"bfloat16"},
}


def refuse_unsound(folder: Path) -> None:
    """Refuse a checkpoint folder whose weights are cut, lie elsewhere, or do not fit what its configuration says.

    Raises: InputError naming the file.
    """
    config = read_json(folder / "config.json")
    _refuse_no_decoder(config, folder)
    shards = _shards(folder)
    stored = set().union(*(_dtypes(path) for path in shards))
    text = config.get("text_config")
    said = {one.get("dtype") or one.get("torch_dtype") for one in (config, text if isinstance(text, dict) else {})}
    named = {str(dtype).removeprefix("torch.") for dtype in said if dtype} & set(FLOATS.values())
    if named and stored and not any(dtype in HELD[name] for name in named for dtype in stored):
        raise InputError(f"config.json in {folder} says the weights are {', '.join(sorted(named))}, and they are "
                         f"{', '.join(sorted(stored))}; fetch the checkpoint again, or mend its `dtype`")  # fmt: skip


def stored_dtype(folder: Path) -> str:
    """Name the dtype that a checkpoint's floats are stored in: the one that all have, else float32."""
    found = set().union(*(_dtypes(path) for path in _shards(folder)))
    return min(found) if len(found) == 1 and found != {"float64"} else "float32"


def refuse_not_finite(network: nn.Module, folder: Path) -> None:
    """Refuse weights that are NaN or infinite, in the dtype that they are asked in.

    Raises: InputError naming the first.
    """
    for name, weight in _floats(network):
        if kind := not_finite(weight):
            raise InputError(f"the checkpoint in {folder} has {kind} weights in {name}, as "
                             f"{str(weight.dtype).removeprefix('torch.')}; fetch it again, or load it in a wider dtype"
                             )  # fmt: skip


def not_finite(weight: Tensor) -> str:
    """Say of a tensor that it has NaN or infinite numbers; nothing where it has neither. It takes no room."""
    low, high = weight.detach().aminmax() if weight.numel() else (weight.new_zeros(()),) * 2
    if bool(low.isfinite() & high.isfinite()):
        return ""
    return "NaN" if bool(low.isnan()) else "infinite"


def _refuse_no_decoder(config: dict[str, Any], folder: Path) -> None:
    """Refuse a configuration without a decoder: transformers takes its own default, and fills the memory with it."""
    if not isinstance(config.get("text_config"), dict) and "hidden_size" not in config:  # where older ones have all
        raise InputError(f"config.json in {folder} has no text_config, which says what the decoder is; fetch the "
                         "checkpoint again")  # fmt: skip


def _floats(network: nn.Module) -> Iterable[tuple[str, Tensor]]:
    return (pair for pair in network.named_parameters() if pair[1].is_floating_point())


def _shards(folder: Path) -> list[Path]:
    """List the weights' files; those of an index must lie in the folder itself."""
    index = folder / INDEX
    if not index.exists():
        return sorted(folder.glob("*.safetensors"))
    mapped = read_json(index).get("weight_map")
    if not isinstance(mapped, dict) or not mapped:
        raise InputError(f"{index} has no weight_map; fetch the checkpoint again")
    names = sorted({str(name) for name in mapped.values()})
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise InputError(f"{index} names {name[:60]!a}, which is no *.safetensors of its folder; fetch it again")
        if not (folder / name).is_file():
            raise InputError(f"{index} names {name}, which is not there; fetch the rest of the checkpoint")
    return [folder / name for name in names]


def _dtypes(path: Path) -> set[str]:
    """Read which floating dtypes a file's matrices have; its header must fit its size."""
    if not path.is_file():  # a pipe would never end
        raise InputError(f"{path} is not a regular file; fetch the checkpoint again")
    try:
        with safe_open(path, framework="pt") as file:
            slices = [file.get_slice(name) for name in file.keys()]  # noqa: SIM118 (it is no dict)
            return {FLOATS[one.get_dtype()] for one in slices if one.get_dtype() in FLOATS}
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:100].rstrip(".")
        raise InputError(f"{path} is cut or damaged ({reason}); fetch the checkpoint again") from None
