"""Find the adapter of a checkpoint or of a network: what config.json says decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanvlm import plugins
from leanvlm.errors import InputError

if TYPE_CHECKING:  # an architecture is named without it: it takes seconds to import
    from leanvlm.models._model import LoadedModel

ENCODED = ": an encoder mixes their pictures with the words, and no prompt enters their decoder, where methods act"


def infer(folder: Path) -> str:
    """Return the id of the architecture that a checkpoint's config.json names.

    Raises: InputError for a folder without a readable config.json, and for an architecture without an adapter.
    """
    path = folder / "config.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        kind, encodes = told["model_type"], told.get("is_encoder_decoder") is True
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name the folder of a Hugging Face checkpoint") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} names no model_type; name the folder of a Hugging Face checkpoint") from None
    return _of_kind(kind, encodes=encodes)


def wrap(network: Any) -> LoadedModel:
    """Give a Hugging Face model its adapter, without a processor.

    Raises: InputError for an architecture without one.
    """
    config = network.config
    adapter: type[LoadedModel] = plugins.load("models", _of_kind(config.model_type, encodes=config.is_encoder_decoder))
    return adapter(network)


def _of_kind(kind: object, *, encodes: bool) -> str:
    """Find the adapter's id. Takes: encodes, whether the prompt is read by an encoder."""
    known = plugins.ids("models")  # an adapter's file has the name of the type
    if not isinstance(kind, str) or kind not in known:
        said = f"{str(kind)[:40]!r}{ENCODED if encodes else ''}"
        raise InputError(f"no adapter for models of the type {said}; leanvlm has adapters for {', '.join(known)}")
    return kind
