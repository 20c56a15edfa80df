"""Read the parts of a checkpoint folder: never its code or a pickle, and nothing that the next one inherits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.video_processing_utils import BaseVideoProcessor

from leanvlm import files
from leanvlm.errors import InputError, LeanvlmError, in_brief, with_kind

PROCESSOR = "processor_config.json"
SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}  # of every call that reads


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn whatever a library says of a checkpoint folder into one sentence.

    Raises: InputError.
    """
    try:
        yield
    except LeanvlmError:
        raise
    except ImportError as error:  # transformers says so of what a quantised checkpoint needs
        ours = "compressed" in str(error)
        raise InputError(f"the checkpoint in {folder} needs a package that is not installed ({in_brief(error)}); "
                         + ('run: pip install "leanvlm[compress]"' if ours else "install that, or name the checkpoint "
                            "before it was quantised")) from error  # fmt: skip
    except Exception as error:  # a checkpoint can be wrong in any way, and each library has its own words
        raise InputError(f"the checkpoint in {folder} cannot be read ({with_kind(error)}); "
                         "fetch or save it again") from error  # fmt: skip


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a checkpoint.

    Raises: InputError where it cannot be read, or is no object.
    """
    try:
        found = json.loads(files.content(path, most_bytes=100_000_000))
    except InputError as error:
        raise InputError(f"{path} {error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({in_brief(error)}); fetch or save the checkpoint again") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} is not a JSON object; fetch or save the checkpoint again")
    return found


def read_tokenizer(folder: Path) -> Any:
    """Read a checkpoint's tokenizer, with the template that the processor would take; call it within `reading`."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, **SAFE)
    tokenizer.chat_template = _template(folder) or tokenizer.chat_template
    return tokenizer


def read_images(kind: Any, folder: Path) -> Any:
    """Read a checkpoint's image processor.

    transformers writes some settings into the class itself: each folder gets a class of its own, so that the pixel
    limits of one checkpoint do not reach the next. Call it within `reading`.
    """
    return fresh(kind).from_pretrained(folder, local_files_only=True)


def read_frames(folder: Path) -> dict[str, Any]:
    """Read the settings of a checkpoint's video processor; none where it has no part for videos."""
    own = PROCESSOR if "video_processor" in own_settings(folder) else "preprocessor_config.json"
    if not any((folder / name).is_file() for name in ("video_preprocessor_config.json", own)):
        return {}
    found: dict[str, Any] = BaseVideoProcessor.get_video_processor_dict(folder, local_files_only=True)[0]
    return found


def own_settings(folder: Path, *names: str) -> dict[str, Any]:
    """Read what a checkpoint's processor says of itself: all of it, or some settings, where it has them."""
    path = folder / PROCESSOR
    found = read_json(path) if path.is_file() else {}
    return {name: found[name] for name in names if name in found} if names else found


def tower_settings(config: Any, folder: Path, *, class_tokens: int) -> dict[str, Any]:
    """Say what LLaVA's processors are told of the vision tower: the side of a patch, and which tokens are left out."""
    shape = {
        "patch_size": config.vision_config.patch_size,
        "vision_feature_select_strategy": config.vision_feature_select_strategy,
        "num_additional_image_tokens": class_tokens,
    }
    return shape | own_settings(folder, *shape)


def fresh(kind: Any) -> Any:
    """Derive a class of the same name whose settings are copies."""
    found = {name: getattr(kind, name) for name in dir(kind)}
    settings = {name: deepcopy(value) for name, value in found.items() if isinstance(value, dict | list)}
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, **settings})


def no_checkpoint(folder: Path) -> InputError:
    """Say that a folder has no checkpoint, and where one comes from."""
    return InputError(f"no checkpoint in {folder}; it needs config.json and *.safetensors: `make repro` makes the "
                      "compressed ones, `git checkout` brings the embedded model back, others are yours to put there"
                      )  # fmt: skip


def _template(folder: Path) -> str | None:
    """Find a processor's chat template, where the tokenizer does not look for it."""
    if (folder / "chat_template.jinja").is_file():  # which the tokenizer reads, and which goes first
        return None
    for name in ("chat_template.json", PROCESSOR):
        path = folder / name
        if path.exists() and isinstance(text := read_json(path).get("chat_template"), str):
            return text
    return None
