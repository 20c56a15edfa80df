"""Pictures in messages: named by their hash where messages are kept and compared, in full only on their way out."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from leanvlm import pictures
from leanvlm.judging import Message

NAMED = "sha256:"
UNDERSTOOD = ("PNG", "JPEG", "WEBP", "GIF")  # formats that endpoints take as they are


def part(image: bytes) -> dict[str, Any]:
    """Name a picture as a part of a message."""
    return {"type": "image_url", "image_url": {"url": _name(image)}}


def sent(messages: Sequence[Message], images: Sequence[bytes]) -> list[Message]:
    """Put the pictures themselves, as data URLs, where messages name them."""
    by_name = {_name(image): image for image in images}
    return [
        {**message, "content": [_sent(one, by_name) for one in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]


def count(messages: Sequence[Message]) -> int:
    """Count the pictures that messages name."""
    contents = [message["content"] for message in messages if isinstance(message["content"], list)]
    return sum(one["type"] == "image_url" for content in contents for one in content)


def _name(image: bytes) -> str:
    return NAMED + hashlib.sha256(image).hexdigest()


def _sent(one: dict[str, Any], by_name: dict[str, bytes]) -> dict[str, Any]:
    if one["type"] != "image_url":
        return one
    return {"type": "image_url", "image_url": {"url": _data_url(by_name[one["image_url"]["url"]])}}


def _data_url(image: bytes) -> str:
    """Write a picture's file as a URL; a format that endpoints do not take becomes PNG, as the picture is shown."""
    with Image.open(io.BytesIO(image), formats=pictures.FORMATS) as opened:
        kind = opened.format
    if kind not in UNDERSTOOD:
        kind, image = "PNG", pictures.png(pictures.shown(pictures.decoded(image)))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(image).decode('ascii')}"
