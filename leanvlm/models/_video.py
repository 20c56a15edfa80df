"""Videos: frames in order make one prompt, built by the model's own processor, without torchvision.

Source:  transformers 5.17, the video processors of LLaVA-OneVision, InternVL, Qwen2-VL and Qwen3-VL. They need
         torchvision, and PyPI's is linked to CUDA: it does not import beside the CPU build of torch. So frames go, one
         by one, through the Pillow image processor that all pictures go through, and no package is added.
Departs: every frame given is shown, none is sampled, and `cap_pixels_per_frame` is off, as 5.17 has it. Pillow resizes
         frames, as it does pictures, and rounds otherwise than torchvision: at most 2 of 255 levels apart on smooth
         frames, 23 on white noise. Frames that need no resizing are equal, and so is all else of the prompt.
Checked: tests/models/test_video.py: the numbers of transformers' own video processors, recorded where they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL.Image import Image, Resampling
from torch import Tensor
from transformers import ProcessorMixin
from transformers.image_processing_backends import PilBackend
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
from transformers.video_utils import VideoMetadata

from leanvlm.errors import InputError
from leanvlm.models._marks import refuse_marks
from leanvlm.models._model import LoadedModel
from leanvlm.models._reading import fresh, read_frames


class Frames:
    """Turns frames into tensors, each as a picture without tiles; the settings are those of the video processor."""

    picture_class: type[PilBackend] = PilBackend
    defaults: ClassVar[dict[str, Any]] = {
        "size": {"height": 384, "width": 384},
        "resample": Resampling.BICUBIC,
        "image_mean": OPENAI_CLIP_MEAN,
        "image_std": OPENAI_CLIP_STD,
        **dict.fromkeys(("do_resize", "do_rescale", "do_normalize", "do_convert_rgb"), True),
        "rescale_factor": 1 / 255,
    }

    def __init__(self, folder: Path) -> None:
        settings = read_frames(folder)
        self.pictures: Any = fresh(self.picture_class).from_dict({**deepcopy(self.defaults), **settings})

    def __call__(self, videos: Sequence[Sequence[Image]], **_options: Any) -> dict[str, Any]:
        """Process the frames of one video.

        Shapes: pixel_values_videos (1, frames, 3, height, width).
        """
        (frames,) = videos
        pixels = self.pictures.preprocess(list(frames), return_tensors="pt")["pixel_values"]
        return {"pixel_values_videos": pixels[None]}


class PairedFrames(Frames):
    """Qwen2-VL's frames: the tower's patches reach over `temporal_patch_size` of them; the last one fills up."""

    picture_class = Qwen2VLImageProcessorPil
    defaults: ClassVar[dict[str, Any]] = {
        **Frames.defaults,
        "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28},
    }

    @property
    def merge_size(self) -> int:
        """Return how many patches a side become one token; the model's own processor asks."""
        return int(self.pictures.merge_size)

    @property
    def temporal_patch_size(self) -> int:
        """Return how many frames share a patch; the model's own processor asks."""
        return int(self.pictures.temporal_patch_size)

    def __call__(self, videos: Sequence[Sequence[Image]], **options: Any) -> dict[str, Any]:
        """Process the frames of one video.

        Shapes: pixel_values_videos (patches, 3 * temporal_patch_size * patch_size ** 2); video_grid_thw (1, 3).
        """
        (frames,) = videos
        found = self.pictures.preprocess(self._resized(frames), do_resize=False, return_tensors="pt")
        _, height, width = found["image_grid_thw"][0].tolist()
        joined = self.temporal_patch_size
        doubled = found["pixel_values"].view(len(frames), height * width, 3, joined, -1)
        single = doubled[:, :, :, 0]  # a picture is its own partner
        single = torch.cat([single, single[-1:].expand(-len(frames) % joined, -1, -1, -1)])
        paired = single.view(-1, joined, *single.shape[1:]).permute(0, 2, 3, 1, 4)  # (time, patches, 3, joined, pixels)
        grid = torch.tensor([[len(paired), height, width]])
        pixels = paired.flatten(2).flatten(0, 1)
        return {"pixel_values_videos": pixels, "video_grid_thw": grid, "video_metadata": options["video_metadata"]}

    def frame_size(self, n: int, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002
        """Say to which height and width each of `n` frames is brought [pixels]."""
        own = self.pictures
        edges = {"min_pixels": own.size["shortest_edge"], "max_pixels": own.size["longest_edge"]}
        return smart_resize(height, width, factor=own.patch_size * own.merge_size, **edges)  # type: ignore[no-any-return]

    def _resized(self, frames: Sequence[Image]) -> list[Image]:
        height, width = self.frame_size(len(frames), frames[0].height, frames[0].width)
        return [frame.resize((width, height), self.pictures.resample) for frame in frames]


class FramesProcessor(ProcessorMixin):
    """Gives a model's processor our frames; the base class finds its parts by this signature."""

    def __init__(
        self, image_processor: Any = None, tokenizer: Any = None, *, frames: Frames | None = None, **options: Any
    ) -> None:
        super().__init__(image_processor=image_processor, tokenizer=tokenizer, video_processor=None, **options)  # type: ignore[no-untyped-call]
        self.video_processor = frames


class VideoModel(LoadedModel):
    """An architecture that takes videos; its processor is a FramesProcessor."""

    def video_inputs(self, frames: Sequence[Image], question: str, *, fps: float) -> dict[str, Tensor]:
        """Build the prompt of one question about one video.

        Raises: InputError for frames of several sizes, a rate that is not positive, a question that holds a special
        token, a chat template without videos.
        """
        if not frames:
            return self.inputs([], question)
        _check(frames, fps)
        processor: Any = self.processor
        refuse_marks(self.marks, question)
        content = [{"type": "video"}, {"type": "text", "text": question}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        if text.count(processor.video_token) != 1:
            raise InputError(f"this checkpoint's chat template does not turn a video into {processor.video_token}; "
                             "ask about pictures, or give it a template that does")  # fmt: skip
        timed = VideoMetadata(len(frames), fps=fps, frames_indices=list(range(len(frames))))
        tensors = processor(videos=[list(frames)], text=[text], video_metadata=[timed], return_tensors="pt")
        return {name: self._move(value) for name, value in tensors.items() if name != "attention_mask"}


def _check(frames: Sequence[Image], fps: float) -> None:
    sizes = sorted({frame.size for frame in frames})
    if len(sizes) > 1:
        raise InputError(f"the frames of a video must have one size; these have {sizes}")
    if not fps > 0:
        raise InputError(f"a video of {fps} frames per second cannot be; give a number above 0")
