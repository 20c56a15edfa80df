"""A checkpoint on this machine as the judge: our own engine replies, without a recipe, greedily, and costs nothing.

Its chat template may know no system, so the task stands before what it is about, in one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from leanvlm import judging
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import InputError
from leanvlm.hashes import folder_hash
from leanvlm.judging import Message, _cache
from leanvlm.judging._cache import Reply
from leanvlm.judging._needed import Open
from leanvlm.judging._pictures import count
from leanvlm.judging._refusals import Unanswered
from leanvlm.models._adapter import infer
from leanvlm.models._hub import folder_of
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.params.judges import LocalJudge
from leanvlm.recipes import FULL, parse
from leanvlm.sample import Sample


def identity(judge: LocalJudge) -> str:
    """Say what a reply depends on beside the messages: the checkpoint's files, and how it computes.

    Raises: InputError where the checkpoint is not there.
    """
    return f"{folder_hash(folder_of(judge.checkpoint))} {judge.dtype} {judge.device} {judge.max_pixels}"


def asked(judge: LocalJudge, missing: Mapping[Path, Open]) -> Iterator[tuple[Path, Reply | Unanswered]]:
    """Yield a reply to each message, kept already, or why the model cannot take it, such as its length.

    Raises: InputError where the checkpoint cannot be loaded.
    """
    folder, max_pixels = folder_of(judge.checkpoint), judge.max_pixels or None
    model = load_model(infer(folder), folder, dtype=judge.dtype, device=judge.device, max_pixels=max_pixels)
    for path, one in missing.items():
        try:
            reply = _reply(model, one)
        except InputError as error:
            yield path, Unanswered(f"cannot be asked: {error}", tries=1, is_down=False)
        else:
            _cache.keep(reply, path)
            yield path, reply


def _reply(model: LoadedModel, one: Open) -> Reply:
    asking = judging.load(one.judge)
    messages = asking.messages(one.asked)
    images = one.asked.images if count(messages) else ()
    sample = Sample(sample_id=one.sample_id, question=_text(messages), images=images)
    said = answers_to(model, sample, [parse(FULL)], limit=asking.MOST_TOKENS)[FULL]
    return Reply(said.answer, said.prompt_tokens, said.new_tokens, 0.0, 1)


def _text(messages: Sequence[Message]) -> str:
    """Write all that messages say as one text."""
    contents = [message["content"] for message in messages]
    parts = [part for content in contents for part in (content if isinstance(content, list) else [{"text": content}])]
    return "\n\n".join(part["text"] for part in parts if "text" in part)
