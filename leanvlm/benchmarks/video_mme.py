"""Video-MME: asks to choose what happens in a video of some seconds to an hour, three times a video.

Source:  Fu et al. 2024, arXiv 2405.21075; lmms-eval/Video-MME of the hub (lmms-lab/Video-MME until July 2026) at
         ead1408; its card names no licence. Its videos come in twenty archives, 104 GB in all, which somebody unpacks.
Grading: choice. The paper's harness takes the first capital A, B, C or D for the answer: "Because" is B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from leanvlm.benchmarks._choices import right
from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.errors import InputError
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.hub_sets.video_frames import sampled
from leanvlm.letters import LETTERS
from leanvlm.sample import Sample

MOST_FRAMES = 1000
SUFFIXES = (".mp4", ".MP4", ".mkv")


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Questions without subtitles, although the prompt names them, as the harnesses ask."""

    videos: str = "data/video_mme"  # folder of the unpacked videos, named <videoID>.mp4, .MP4 or .mkv
    frames: int = 32  # of a video, evenly; the paper's harness shows Qwen2-VL 32 and the last one

    ids = ("lmms-eval/Video-MME", "lmms-lab/Video-MME")
    splits = (Split("test", "videomme/test", rows=2700),)
    columns = ("question_id", "videoID", "duration", "question", "options", "answer")
    prompt = (
        "Select the best answer to the following multiple-choice question based on the video and the subtitles. "
        "Respond with only the letter (A, B, C, or D) of the correct option.\n{question}\n{options}\n\n"
        "Answer with the option's letter from the given choices directly."
    )
    paper = today = Harness(max_new_tokens=16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.frames <= MOST_FRAMES:
            raise InputError(f"video_mme: frames is {self.frames}; it must be from 1 to {MOST_FRAMES:,}")

    def unit(self, row: Row) -> str:
        """Keep the three questions of a video together."""
        return row.text("videoID")

    def ask(self, row: Row) -> Sample:
        """Ask for a letter; the kind is short, medium or long."""
        written = row.texts("options")  # with their letters
        options = tuple(text.removeprefix(f"{letter}. ") for letter, text in zip(LETTERS, written, strict=False))
        return self.asked(
            sample_id=row.text("question_id"),
            group_id=row.text("videoID"),
            kind=row.text("duration"),
            question=self.prompt.format(question=row.text("question"), options="\n".join(written)),
            answers=right(row.text("answer"), options),
            rule="choice",
            options=options,
        )

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield questions with the frames of their video; see `chosen`."""
        for row in self.chosen(n, seed=seed):
            frames, fps = sampled(self._video(row), self.frames)
            yield replace(self.ask(row), images=frames, fps=fps)

    def files(self) -> list[Path]:
        """List the questions and the videos that are there."""
        videos = sorted(path for path in Path(self.videos).glob("*") if path.suffix in SUFFIXES)
        return [*super().files(), *videos]

    def missing(self) -> str | None:
        """Say also that the videos are not unpacked."""
        if (reason := super().missing()) or Path(self.videos).is_dir():
            return reason
        command = self.hub_set.command(("videos_chunked_*.zip",))
        return (
            f"the folder {self.videos!r} does not exist; fetch the videos with: {command}; unpack them, and name the "
            "folder that has the .mp4 files as `videos` of video_mme under `benchmarks:` in params.yaml"
        )

    def _video(self, row: Row) -> Path:
        named = [Path(self.videos, row.text("videoID") + suffix) for suffix in SUFFIXES]
        return next((path for path in named if path.is_file()), None) or row.refuse(
            "videoID", f"must be a video in {self.videos!r}"
        )
