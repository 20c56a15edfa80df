"""A picture arrives as a viewer shows it, however it was stored, or is refused in a sentence that names its sample."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

import leanvlm
from leanvlm import pictures
from leanvlm.errors import InputError
from leanvlm.sample import Sample


def page() -> Image.Image:
    """A dark word on white."""
    image = Image.new("RGB", (120, 60), "white")
    ImageDraw.Draw(image).text((10, 20), "HELLO", fill="black")
    return image


def ink() -> Image.Image:
    """The same word on nothing, whose invisible color is black."""
    image = Image.new("RGBA", (120, 60), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((10, 20), "HELLO", fill=(0, 0, 0, 255))
    return image


def gray(kind: type[np.generic], factor: float) -> Image.Image:
    return Image.fromarray((np.asarray(page().convert("L")).astype(float) * factor).astype(kind))


def white_is_clear() -> Image.Image:
    """A picture whose one fully transparent color is stored apart from its pixels, as PNG's tRNS does."""
    image = page()
    image.info["transparency"] = (255, 255, 255)
    return image


def white_is_clear_in_sixteen_bits() -> Image.Image:
    image = gray(np.uint16, 257)
    image.info["transparency"] = 65535
    return image


SHOWN = {
    **{mode: page().convert(mode) for mode in ("RGB", "L", "P", "CMYK", "YCbCr", "HSV", "RGBX")},
    "RGBA": ink(),
    "LA": ink().convert("LA"),
    "PA": ink().convert("PA"),
    "P, transparent": ink().quantize(16),
    "tRNS": white_is_clear(),
    "I;16": gray(np.uint16, 257),
    "I;16, tRNS": white_is_clear_in_sixteen_bits(),
}


@pytest.mark.parametrize("mode", SHOWN)
def test_a_dark_word_on_white_stays_one_in_every_mode(mode: str) -> None:
    found = np.asarray(pictures.shown(SHOWN[mode])).astype(int)
    assert found.shape == (60, 120, 3)
    assert np.abs(found - np.asarray(page()).astype(int)).max() <= 40  # dithering and color spaces cost that much
    assert found.mean() > 245
    assert found.min() < 40


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_values_whose_white_is_not_known_are_refused_by_their_mode(kind: type[np.generic]) -> None:
    with pytest.raises(InputError, match=r"mode '[IF]'"):
        pictures.shown(gray(kind, 1))


FILES = {"PNG": ("RGB", "RGBA", "LA", "P", "L", "I;16", "I;16, tRNS"), "JPEG": ("RGB", "L", "CMYK"),
         "WEBP": ("RGB", "RGBA"), "GIF": ("P", "L"), "BMP": ("RGB", "L"),
         "TIFF": ("RGB", "CMYK", "LA", "I;16")}  # fmt: skip


@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, modes in FILES.items() for mode in modes])
def test_what_a_file_stores_arrives_as_it_is_shown(form: str, mode: str) -> None:
    buffer = io.BytesIO()
    SHOWN[mode].save(buffer, form)
    sample = Sample(sample_id="s", question="?", images=(buffer.getvalue(),))
    (found,) = sample.pictures()
    assert np.abs(np.asarray(found).astype(int) - np.asarray(page()).astype(int)).mean() < 3
    again = Sample(sample_id="s", question="?", images=sample.encoded())
    assert again.pictures()[0].tobytes() == found.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_s_orientation_is_followed(orientation: int) -> None:
    """Stored the way that a camera held otherwise stores it, each shows the same picture."""
    upright = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20).convert("RGB")
    turns = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
             4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
             7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}  # fmt: skip
    stored = upright if turns[orientation] is None else upright.transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", exif=exif)
    assert pictures.shown(pictures.decoded(buffer.getvalue())).tobytes() == upright.tobytes()


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def zipped_text() -> bytes:
    """A PNG whose comment unpacks to a hundred megabytes."""
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 100_000_000, zip=True)
    return saved(page(), "PNG", pnginfo=info)


def huge() -> bytes:
    """A PNG of a few kilobytes that says it is 20,000 pixels wide and high."""
    data = bytearray(saved(page(), "PNG"))
    data[16:24] = (20_000).to_bytes(4, "big") * 2
    return bytes(data)


REFUSED = {
    "EPS": saved(page(), "EPS"),
    "PPM": saved(page(), "PPM"),
    "text": b"no picture",
    "nothing": b"",
    "cut PNG": saved(page(), "PNG")[:150],
    "cut JPEG": saved(page(), "JPEG")[:700],
    "cut GIF": saved(page(), "GIF")[:200],
    "frames": saved(page(), "GIF", save_all=True, append_images=[page().rotate(180)]),
    "bomb": huge(),
    "text bomb": zipped_text(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_is_refused_naming_the_sample(name: str, tmp_path: Path) -> None:
    sample = Sample(sample_id="s-7", question="?", images=(saved(page(), "PNG"), REFUSED[name]))
    for ask in (sample.pictures, sample.encoded):
        with pytest.raises(InputError, match=r"sample 's-7': its picture 2 (has|is|cannot)") as caught:
            ask()
        assert len(str(caught.value)) < 300
    (tmp_path / "picture").write_bytes(REFUSED[name])
    with pytest.raises(InputError, match=r"picture (has|is|cannot)"):
        leanvlm.answer(None, [tmp_path / "picture"], "?")  # type: ignore[arg-type]
