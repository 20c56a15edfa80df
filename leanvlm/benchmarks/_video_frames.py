"""Frames of a video file, evenly spaced, without decoding all that lies between them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leanvlm.errors import InputError, naming_extras

Frames = tuple[tuple[Image.Image, ...], float]


@lru_cache(maxsize=1)  # one video is asked about several times in a row
def sampled(path: Path, n: int) -> Frames:
    """Return `n` frames from the first to the last, or all where there are fewer, and how many of them make a second.

    Raises: InputError where the file is no video that can be decoded, or where PyAV is not installed.
    """
    with naming_extras():
        import av
    try:
        with av.open(str(path)) as container:
            return _sampled(container, container.streams.video[0], n)
    except (av.FFmpegError, IndexError, StopIteration, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{path} is no video that can be decoded ({reason}); fetch it again") from None


def _sampled(container: Any, stream: Any, n: int) -> Frames:
    """Choose frames by the times of the stream's packets, which are read without decoding."""
    times = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
    chosen = np.unique(np.linspace(0, len(times) - 1, n).round().astype(int))
    frames = tuple(_at(container, stream, times[index]) for index in chosen)
    seconds = float((times[-1] - times[0]) * stream.time_base)
    return frames, (len(frames) - 1) / seconds if seconds else 1.0


def _at(container: Any, stream: Any, time: int) -> Image.Image:
    """Decode one frame, from the key frame before it on."""
    container.seek(time, stream=stream, backward=True)
    found: Image.Image = next(frame for frame in container.decode(stream) if frame.pts >= time).to_image()
    return found
