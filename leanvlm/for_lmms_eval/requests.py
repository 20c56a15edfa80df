"""A request of lmms-eval as a sample: what its message shows and says, how long its answer may be, what ends it.

Source:  lmms_eval 0.7.3, protocol.py, api/task.py and the keys of its tasks' `generation_kwargs` (read, not copied).
Departs: `do_sample: false` is greedy whatever the temperature, as in transformers: mmvet says both. Some models there
         sample whenever the temperature is above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from leanvlm import pictures
from leanvlm.errors import InputError
from leanvlm.models._words import PLACE
from leanvlm.sample import Sample

Part = Mapping[str, Any]  # {"type": "text", "text": ...} or {"type": "image", "url": a picture or its path}

# lmms-eval sets it where a task names no stop: the gap between few-shot examples. Most of its own chat models pass over
# it, and an answer that reasons first would end behind its first paragraph.
NO_STOP = ["\n\n"]
NEUTRAL = {"num_beams": 1, "repetition_penalty": 1}  # another value makes another answer of the same logits
OF_SAMPLING = {"do_sample", "temperature", "top_p", "top_k", "seed"}
OF_OTHER_MODELS = {"image_aspect_ratio"}  # how LLaVA's own code cuts pictures; a checkpoint's processor says it here
KNOWN = {"until", "max_new_tokens", *NEUTRAL, *OF_SAMPLING, *OF_OTHER_MODELS}


def as_sample(
    sample_id: str, task: str, messages: Sequence[Mapping[str, Any]], generation: Mapping[str, Any]
) -> Sample:
    """Return the sample that a request of a task asks.

    Raises: InputError for what leanvlm cannot do: several turns, a video or a sound, sampling, beams.
    """
    _refuse(task, generation)
    parts = _only_turn(task, messages)
    return Sample(
        sample_id=sample_id,
        question=_question(parts),
        images=tuple(_picture(part["url"]) for part in parts if part["type"] == "image"),
        max_new_tokens=_limit(task, generation.get("max_new_tokens")),
        stop_texts=_stop_texts(generation.get("until")),
    )


def _refuse(task: str, generation: Mapping[str, Any]) -> None:
    if _samples(generation):
        raise InputError(f"the task {task!r} samples its answers and leanvlm answers greedily; add "
                         "--gen_kwargs do_sample=False to have greedy ones")  # fmt: skip
    for name, value in generation.items():
        if name not in KNOWN:
            raise InputError(f"the task {task!r} sets {name!r} for its answers, which leanvlm does not know; it knows "
                             f"{', '.join(sorted(KNOWN))}")  # fmt: skip
        if value is not None and value != NEUTRAL.get(name, value):
            raise InputError(f"the task {task!r} wants {name} {value!r} and leanvlm has {NEUTRAL[name]}; add "
                             f"--gen_kwargs {name}={NEUTRAL[name]} to go without")  # fmt: skip


def _samples(generation: Mapping[str, Any]) -> bool:
    do_sample, temperature = generation.get("do_sample"), generation.get("temperature")
    is_greedy = temperature == 0 or (do_sample is not None and not do_sample)
    return not is_greedy and (do_sample or temperature) is not None


def _limit(task: str, limit: object) -> int | None:
    if limit is None or (isinstance(limit, int) and limit >= 1):
        return limit
    raise InputError(f"the task {task!r} has the max_new_tokens {limit!r}; it must be a whole number, 1 or more")


def _only_turn(task: str, messages: Sequence[Mapping[str, Any]]) -> Sequence[Part]:
    if [message["role"] for message in messages] != ["user"]:
        turns = ", ".join(str(message["role"]) for message in messages)
        raise InputError(f"the task {task!r} has the turns {turns}; leanvlm is asked one, by a user: choose a task "
                         "without a system prompt and without several rounds")  # fmt: skip
    parts: Sequence[Part] = messages[0]["content"]
    for part in parts:
        if part["type"] not in ("text", "image"):
            raise InputError(f"the task {task!r} shows a part of the type {part['type']!r}; leanvlm takes text and "
                             "pictures here, so choose a task of these")  # fmt: skip
    return parts


def _question(parts: Sequence[Part]) -> str:
    """Join the texts, each picture where it stands among them; texts that say <image> themselves decide it."""
    words = "".join(part["text"] for part in parts if part["type"] == "text")
    if PLACE in words or _are_pictures_first(parts):
        return words
    return "".join(part["text"] if part["type"] == "text" else PLACE for part in parts)


def _are_pictures_first(parts: Sequence[Part]) -> bool:
    kinds = [part["type"] for part in parts]
    return kinds == sorted(kinds)  # "image" sorts before "text"


def _picture(url: Image.Image | str) -> Image.Image:
    return url if isinstance(url, Image.Image) else pictures.read(Path(url))


def _stop_texts(until: str | Sequence[str] | None) -> tuple[str, ...]:
    texts = [until] if isinstance(until, str) else list(until or ())
    return () if texts == NO_STOP else tuple(filter(None, texts))
