"""Put stored pictures into the page as PNG data URIs of bounded size."""

from __future__ import annotations

import base64
import io

from PIL import Image

from leanvlm.errors import RunError
from leanvlm.report.queries import Row

LARGEST_BYTES = 250_000  # of one picture; ten flips of four pictures stay well under the page's limit
NARROWEST_SHOWN = 168  # smaller pictures are enlarged by whole factors on the page [pixels]


def shown(png: bytes) -> Row:
    """Return a picture's data URI with the width and height that the page gives it.

    Raises: RunError for bytes that are no picture.
    """
    try:
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            small = _fitted(image.convert("RGB"))
    except OSError as error:
        raise RunError(f"a stored picture of a sample cannot be read ({error}); run `dvc repro prepare`") from error
    source = "data:image/png;base64," + base64.b64encode(_encoded(small)).decode("ascii")
    factor = max(1, round(NARROWEST_SHOWN / small.width))
    return {"source": source, "width": factor * small.width, "height": factor * small.height}


def _fitted(image: Image.Image) -> Image.Image:
    """Halve a picture until its PNG is small enough."""
    while len(_encoded(image)) > LARGEST_BYTES:
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)
    return image


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
