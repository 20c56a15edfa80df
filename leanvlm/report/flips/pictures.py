"""Put stored pictures into the page as data URIs: PNG where that is small, as the model saw them, else WebP."""

from __future__ import annotations

import base64
import io

from PIL import Image

from leanvlm import pictures
from leanvlm.errors import InputError, RunError
from leanvlm.report.queries import Row

LARGEST_BYTES = 24_000  # of one picture: two hundred flips of one picture stay under five megabytes
LONGEST_SIDE = 480  # [pixels]
NARROWEST_SHOWN = 168  # smaller pictures are enlarged by whole factors on the page [pixels]


def shown(png: bytes) -> Row:
    """Return a picture's data URI with the width and height that the page gives it.

    Raises: RunError for bytes that are not a picture.
    """
    try:
        kind, encoded, (width, height) = _fitted(pictures.shown(pictures.decoded(png)))
    except InputError as error:
        raise RunError(f"a stored picture of a sample {error}; run `dvc repro samples`") from None
    factor = max(1, round(NARROWEST_SHOWN / width))
    source = f"data:image/{kind};base64,{base64.b64encode(encoded).decode('ascii')}"
    return {"source": source, "width": factor * width, "height": factor * height}


def _fitted(image: Image.Image) -> tuple[str, bytes, tuple[int, int]]:
    """Shrink a picture until its sides and its bytes are small enough."""
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    kind, encoded = _encoded(image)
    while len(encoded) > LARGEST_BYTES:
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)
        kind, encoded = _encoded(image)
    return kind, encoded, image.size


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    png, webp = io.BytesIO(), io.BytesIO()
    image.save(png, format="PNG", optimize=True)
    if png.tell() <= LARGEST_BYTES:
        return "png", png.getvalue()
    image.save(webp, format="WEBP", quality=82)
    return "webp", webp.getvalue()
