"""Frames of a video file, evenly spaced, without decoding all that lies between them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leanvlm.errors import InputError, in_brief, naming_extras

Frames = tuple[tuple[Image.Image, ...], float]


@lru_cache(maxsize=1)  # one video is asked about several times in a row
def sampled(path: Path, n: int) -> Frames:
    """Return `n` frames from the first to the last, or all where there are fewer, and how many of them make a second.

    Raises: InputError where the file is no video that can be decoded, or where PyAV is not installed.
    """
    with naming_extras():
        import av
    try:  # a file that is cut can lack frames, times and key frames
        with av.open(str(path)) as container:
            return _sampled(container, container.streams.video[0], n)
    except (av.FFmpegError, IndexError, StopIteration, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path} is no video that can be decoded ({in_brief(error)}); fetch it again") from None


def _sampled(container: Any, stream: Any, n: int) -> Frames:
    """Choose frames by the times of the stream's packets, which are read without decoding."""
    packets = [(one.pts, one.dts, one.is_keyframe) for one in container.demux(stream) if one.pts is not None]
    times = sorted(shown for shown, *_ in packets)
    keys = [(shown, decoded) for shown, decoded, is_key in packets if is_key]
    chosen = [times[index] for index in np.unique(np.linspace(0, len(times) - 1, n).round().astype(int))]
    frames = tuple(_at(container, stream, time, max(key for key in keys if key[0] <= time)[1]) for time in chosen)
    seconds = float((times[-1] - times[0]) * stream.time_base)
    return frames, (len(frames) - 1) / seconds if seconds else 1.0


def _at(container: Any, stream: Any, time: int, key: int) -> Image.Image:
    """Decode one frame, from the last key frame that is shown before it on.

    That key frame is sought by when it is decoded: a search by `time` finds a later one, where frames lean on it.
    """
    container.seek(key, stream=stream, backward=True)
    found: Image.Image = next(frame for frame in container.decode(stream) if frame.pts >= time).to_image()
    return found
