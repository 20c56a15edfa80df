"""Frames are spread over a video from the first to the last; PyAV writes the videos, whose frames say their number."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leanvlm.errors import InputError
from leanvlm.hub_sets.video_frames import sampled
from tests.benchmarks import public
from tests.benchmarks.drawn_videos import FPS, N_FRAMES, write
from tests.benchmarks.test_public import built

av = pytest.importorskip("av")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    return write(tmp_path)


def pixels(frames: Iterable[Image.Image]) -> list[bytes]:
    return [frame.tobytes() for frame in frames]


@pytest.mark.parametrize("n", [1, 2, 7, 31, N_FRAMES])
def test_frames_are_those_of_a_decoder_that_skips_nothing(videos: Path, n: int) -> None:
    path = videos / "v-0.mp4"
    with av.open(str(path)) as container:
        every = pixels(frame.to_image() for frame in container.decode(video=0))
    assert len(set(every)) == N_FRAMES
    frames, _ = sampled(path, n)
    assert pixels(frames) == [every[round(index)] for index in np.linspace(0, N_FRAMES - 1, n)]


def test_a_short_video_gives_all_its_frames_at_their_own_rate(videos: Path) -> None:
    frames, fps = sampled(videos / "v-0.mp4", 500)
    assert (len(frames), fps) == (N_FRAMES, pytest.approx(FPS))
    assert sampled(videos / "v-0.mp4", 7)[1] == pytest.approx(1)  # seven frames in six seconds


def test_the_questions_of_a_video_carry_its_frames(
    videos: Path, public_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public.look_in(public_hub, monkeypatch)
    benchmark = built("video_mme", videos=str(videos), frames=4)
    samples = list(benchmark.samples(4, seed=0))
    assert [len(sample.images) for sample in samples] == [4] * 6, "two videos, three questions each"
    assert len({sample.group_id for sample in samples}) == 2
    assert all(sample.fps == pytest.approx(0.5) for sample in samples)
    assert [path.name for path in benchmark.files()[-3:]] == ["v-0.mp4", "v-1.mp4", "v-2.mp4"]


def test_what_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0" * 1000)
    with pytest.raises(InputError, match=r"broken.mp4 is no video that can be decoded \("):
        sampled(path, 4)
