"""A picture as a viewer shows it: upright, on white, with eight bits a color; what cannot be shown so is refused.

Only the formats that we name are opened, since some of Pillow's others start programs (EPS starts Ghostscript).
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from leanvlm import files
from leanvlm.errors import InputError, in_brief

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 100_000_000  # of one picture; a larger one takes a gigabyte and more on its way to the model
CONVERTED = ("1", "L", "P", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")  # modes without transparency that Pillow converts
TRANSPARENT = ("RGBA", "RGBa", "LA", "La", "PA")
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


def decoded(data: bytes) -> Image.Image:
    """Decode a picture's file.

    Raises: InputError for another format, a file that is cut or damaged, several frames, or too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is our own
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _refuse_unfit(image)
            image.load()
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"is none of {', '.join(FORMATS)}; convert it to PNG") from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file trips
        raise InputError(f"cannot be decoded ({in_brief(error)}); save it anew as PNG") from None
    return image


def read(path: Path) -> Image.Image:
    """Read a picture's file as it is shown.

    Raises: InputError naming the file.
    """
    try:
        return shown(decoded(files.content(path)))
    except InputError as error:
        raise InputError(f"{path} {error}") from None


def shown(image: Image.Image) -> Image.Image:
    """Show a picture upright, on white, as RGB of eight bits.

    Raises: InputError for a mode that says nothing of how bright its values are (F, I), and for too many pixels.
    """
    _refuse_unfit(image)
    upright = _in_eight_bits(ImageOps.exif_transpose(image))
    if upright.has_transparency_data or upright.mode in TRANSPARENT:
        return _on_white(upright)
    if upright.mode == "RGB":
        return upright
    if upright.mode in CONVERTED:
        return upright.convert("RGB")
    raise InputError(f"has the mode {upright.mode!r}, whose black and white are not known; save it as 8-bit RGB")


def within(image: Image.Image, most: int | None) -> Image.Image:
    """Shrink a picture, its shape kept, to at most so many pixels; one that has no more stays as it is."""
    if most is None or image.width * image.height <= most:
        return image
    scale = (most / (image.width * image.height)) ** 0.5
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def png(image: Image.Image) -> bytes:
    """Encode one picture without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _refuse_unfit(image: Image.Image) -> None:
    """Refuse by size and number of frames, before anything is decoded."""
    if not 0 < image.width * image.height <= MOST_PIXELS:
        raise InputError(f"has {image.width} x {image.height} pixels; 1 to {MOST_PIXELS:,} in all can be shown")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a JPEG whose other pictures are previews, or the other eye's
        raise InputError(f"has {frames} frames; give each as a picture of its own, with `fps` where they are a video")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Scale sixteen bits; the value that stands for nothing, as PNG's tRNS says, is clear, and it alone."""
    if image.mode not in SIXTEEN_BITS:
        return image
    values = np.asarray(image)
    bright = Image.fromarray(np.round(values.astype(np.float64) / 257).astype(np.uint8))
    if (clear := image.info.get("transparency")) is not None:
        bright.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return bright


def _on_white(image: Image.Image) -> Image.Image:
    visible = image.convert("RGBA")
    white = Image.new("RGBA", visible.size, "white")
    return Image.alpha_composite(white, visible).convert("RGB")
