"""A request is asked as it was laid out, and what cannot be done is refused by the task's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from leanvlm.errors import InputError
from leanvlm.for_lmms_eval.requests import as_sample
from leanvlm.models._words import content
from leanvlm.sample import Sample

RED, BLUE = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def image(url: object) -> dict[str, Any]:
    return {"type": "image", "url": url}


def asked(*parts: dict[str, Any], **generation: Any) -> Sample:
    return as_sample("t/0", "t", [{"role": "user", "content": parts or [text("why?")]}], generation)


@pytest.mark.parametrize(
    "parts",
    [
        [text("why?")],
        [image(RED), text("why?")],
        [image(RED), image(BLUE), text("which is red?")],
        [text("Before "), image(RED), text(" and after "), image(BLUE), text(".\n\nWhat changed?")],
        [image(RED), text(" or "), image(BLUE)],
    ],
)
def test_pictures_and_texts_are_laid_out_as_in_the_message(parts: list[dict[str, Any]]) -> None:
    sample = asked(*parts)
    assert content(len(sample.images), sample.question) == [
        part if part["type"] == "text" else {"type": "image"} for part in parts
    ]
    assert list(sample.images) == [part["url"] for part in parts if part["type"] == "image"]


def test_a_text_that_says_where_pictures_go_decides_it() -> None:
    sample = asked(image(RED), image(BLUE), text("Is <image> like <image>?"))
    assert sample.question == "Is <image> like <image>?"


def test_a_picture_may_be_a_path(tmp_path: Path) -> None:
    RED.save(tmp_path / "red.png")
    [found] = asked(image(str(tmp_path / "red.png")), text("why?")).pictures()
    assert found.tobytes() == RED.tobytes()


@pytest.mark.parametrize(
    ("until", "stops"),
    [
        (None, ()),
        ([], ()),
        (["\n\n"], ()),  # lmms-eval's default
        (["Q:", "\n\n"], ("Q:", "\n\n")),
        ("ASSISTANT:", ("ASSISTANT:",)),
        (["", "</s>"], ("</s>",)),
    ],
)
def test_an_answer_ends_where_the_task_says(until: object, stops: tuple[str, ...]) -> None:
    assert asked(until=until).stop_texts == stops


def test_an_answer_is_as_long_as_the_task_says() -> None:
    assert asked(max_new_tokens=32).max_new_tokens == 32
    assert asked().max_new_tokens is None


@pytest.mark.parametrize(
    "generation",
    [
        {"temperature": 0, "do_sample": False, "top_p": None, "num_beams": 1},
        {"temperature": 0.2, "do_sample": False},  # mmvet
        {"temperature": 0, "do_sample": True},
        {"temperature": 0.2, "do_sample": 0},
        {"temperature": None, "do_sample": None},
        {"num_beams": None, "repetition_penalty": 1.0, "seed": 0, "top_k": 5},
    ],
)
def test_what_is_greedy_is_answered(generation: dict[str, Any]) -> None:
    assert asked(**generation).question == "why?"


@pytest.mark.parametrize(
    ("generation", "sentence"),
    [
        ({"max_new_tokens": 0}, "'t' has the max_new_tokens 0; it must be a whole number"),
        ({"max_new_tokens": "many"}, "'t' has the max_new_tokens 'many'"),
        ({"temperature": 0.2, "do_sample": None}, "'t' samples its answers"),
        ({"temperature": 0.2}, "'t' samples its answers .* add --gen_kwargs do_sample=False"),
        ({"do_sample": True}, "'t' samples its answers"),
        ({"temperature": 1.0, "do_sample": True}, "'t' samples its answers"),
        ({"num_beams": 4}, "'t' wants num_beams 4 and leanvlm has 1"),
        ({"repetition_penalty": 1.2}, "'t' wants repetition_penalty 1.2 and leanvlm has 1"),
        ({"stop_sequences": ["."]}, "'t' sets 'stop_sequences' .* does not know; it knows do_sample, "),
    ],
)
def test_what_cannot_be_followed_is_refused(generation: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        asked(**generation)


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_what_is_neither_text_nor_picture_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match=f"'t' shows a part of the type '{kind}'"):
        asked({"type": kind, "url": "film.mp4"}, text("why?"))


@pytest.mark.parametrize("roles", [["system", "user"], ["user", "assistant", "user"], []])
def test_several_turns_are_refused(roles: list[str]) -> None:
    with pytest.raises(InputError, match=r"'t' has the turns .*leanvlm is asked one"):
        as_sample("t/0", "t", [{"role": role, "content": [text("why?")]} for role in roles], {})
