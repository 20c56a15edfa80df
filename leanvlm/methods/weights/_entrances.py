"""What enters the decoder's layers from outside, of each calibration sample: recorded once, for all methods.

The untouched model runs up to its decoder, whose layers are passed by: what enters the first, and what some models add
between layers, depends on no weight that a method may change. So all checkpoints of a model share one recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._layers import decoder_layers
from leanvlm.methods.weights._lending import Place, streamed
from leanvlm.methods.weights._samples import CalibrationSample

if TYPE_CHECKING:  # reading a recipe does without: it takes seconds to import
    from transformers import PreTrainedModel

TENSORS, LAID = "entrances.safetensors", "entrances.json"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Entrance:
    """What one layer gets of a sample besides what the layer before gave.

    Shapes: added (1, T, C), the embedded prompt before the first layer, all zeros before most others and then None;
    keywords, the layer's other arguments.
    """

    added: Tensor | None
    keywords: dict[str, Any]


@dataclass(frozen=True)
class Entering:
    """One calibration sample at the decoder's entrance.

    Shapes: is_visual (T,), True = a visual token; answer (n,), the token ids of the answer and its end, the last n.
    """

    is_visual: Tensor
    answer: Tensor
    layers: list[Entrance] = field(default_factory=list)


class _Passed(Exception):
    """The last layer was reached."""


@torch.no_grad()
def record(model: PreTrainedModel, samples: Iterable[CalibrationSample], place: Place | None = None) -> list[Entering]:
    """Run the model up to and past its decoder's layers, and note what enters each from outside."""
    place, layers, found = place or Place(), list(decoder_layers(model).values()), list[Entering]()
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    with streamed(model, place, besides={*layers, head}), _passing(layers) as noted:
        for sample in samples:
            found.append(_sample(sample))
            noted[:] = [found[-1].layers]
            try:
                model(**place.take(dict(sample)), use_cache=False)
            except _Passed:
                continue
            raise AssertionError("the model never called its decoder's last layer")
    return found


def _sample(sample: CalibrationSample) -> Entering:
    return Entering(sample.is_visual.cpu(), sample["input_ids"][0, len(sample.is_visual) - sample.n_answer :].cpu())


@contextmanager
def _passing(layers: Sequence[nn.Module]) -> Iterator[list[list[Entrance]]]:
    """Let each layer note what it gets and give zeros, so that the next one gets only what is added in between."""
    noted: list[list[Entrance]] = []

    def pass_by(states: Tensor, **keywords: Any) -> Tensor:
        noted[0].append(Entrance(states if states.any() else None, keywords))
        if len(noted[0]) == len(layers):
            raise _Passed
        return torch.zeros_like(states)

    try:
        for layer in layers:
            layer.__dict__["forward"] = pass_by
        yield noted
    finally:
        for layer in layers:
            del layer.__dict__["forward"]


def save(entered: Sequence[Entering], folder: Path) -> None:
    """Write a recording: tensors that layers share once, and how they are laid out."""
    tensors: Tensors = {}
    names: dict[int, str] = {}
    laid = [_lay(vars(one) | {"layers": [vars(layer) for layer in one.layers]}, tensors, names) for one in entered]
    save_file(tensors, folder / TENSORS)
    (folder / LAID).write_text(json.dumps(laid) + "\n", encoding="utf-8")


def load(folder: Path) -> list[Entering]:
    """Read a recording; its tensors stay in the file until they are needed.

    Raises: InputError where there is none, or it is damaged.
    """
    try:
        tensors = load_file(folder / TENSORS)
        rows = [_build(one, tensors) for one in json.loads((folder / LAID).read_text(encoding="utf-8"))]
        return [Entering(**row | {"layers": [Entrance(**layer) for layer in row["layers"]]}) for row in rows]
    except FileNotFoundError:
        raise InputError(f"{folder} does not exist; run `make repro`, which records it") from None
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{folder} is damaged ({type(error).__name__}); run `make repro`, which records it anew"
        ) from None


def _lay(value: Any, tensors: Tensors, names: dict[int, str]) -> Any:
    """Replace each tensor by its name; a tuple is told from a list."""
    if isinstance(value, Tensor):
        name = names.setdefault(id(value), str(len(names)))
        tensors[name] = value.contiguous().cpu()
        return {"tensor": name}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_lay(one, tensors, names) for one in value]}
    if isinstance(value, dict):
        return {"dict": {name: _lay(one, tensors, names) for name, one in value.items()}}
    return {"value": value}


def _build(laid: Any, tensors: Tensors) -> Any:
    ((kind, value),) = laid.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {name: _build(one, tensors) for name, one in value.items()}
    return value if kind == "value" else {"tuple": tuple, "list": list}[kind](_build(one, tensors) for one in value)
