"""Towers that can be shown a part of a picture's patches, without a copy of their code.

Source:  transformers 5.17, vision_utils.py: what a Qwen tower works out from a picture's grid, where each patch lies
         and whom it sees, it takes from its caller instead, if that has it at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from transformers.vision_utils import get_vision_position_ids

from leanvlm.models._model import LoadedModel


class PatchModel(LoadedModel):
    """An architecture whose tower works at a picture's own resolution, several patches to a token."""

    def pixel_blocks(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        """Cut pictures, or a video's pairs of frames, into what becomes a token, in grey levels from 0 to 255.

        Shapes: -> of each picture (rows, columns, values).
        """
        is_video, tower = "video_grid_thw" in inputs, self.model.model.visual
        images: Any = self.processor.video_processor.pictures if is_video else self.processor.image_processor
        pixels = inputs["pixel_values_videos" if is_video else "pixel_values"].float()
        mean, deviation = (pixels.new_tensor(own)[:, None] for own in (images.image_mean, images.image_std))
        levels = (pixels.unflatten(1, (len(mean), -1)) * deviation + mean) / images.rescale_factor  # type: ignore[no-untyped-call]
        blocks = levels.round().view(len(levels) // tower.spatial_merge_size**2, -1)  # (tokens, values)
        shapes = [shape for time, *shape in self._token_grid(inputs).tolist() for _ in range(time)]
        parts = blocks.split([rows * columns for rows, columns in shapes])
        return [part.view(*shape, -1) for part, shape in zip(parts, shapes, strict=True)]

    def told(self, inputs: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        """Work out, for the patches that are left, what the tower would work out for all.

        Shapes: keep (visual tokens,), True = is left.
        """
        merge = self.model.model.visual.spatial_merge_size
        places = get_vision_position_ids(grid_of(inputs), merge)[keep.repeat_interleave(merge**2)]
        sizes = [rows * columns for time, rows, columns in self._token_grid(inputs).tolist() for _ in range(time)]
        left = [int(own.sum()) * merge**2 for own in keep.split(sizes)]  # type: ignore[no-untyped-call]
        bounds = torch.tensor([*accumulate(left, initial=0)], dtype=torch.int32, device=keep.device)
        return {"position_ids": places, "cu_seqlens": bounds}

    def _token_grid(self, inputs: dict[str, Tensor]) -> Tensor:
        """Count times, rows and columns of tokens of each picture.

        Shapes: -> (pictures, 3).
        """
        merge = self.model.model.visual.spatial_merge_size
        return grid_of(inputs) // torch.tensor([1, merge, merge], device=grid_of(inputs).device)

    @contextmanager
    def showing(self, inputs: dict[str, Tensor], keep: Tensor) -> Iterator[None]:
        """Show the tower a part of the patches for the length of a `with`; the other tokens are zeros behind it.

        Shapes: keep (visual tokens,), True = is shown.
        """
        tower, told = self.model.model.visual, self.told(inputs, keep)
        patches = keep.repeat_interleave(tower.spatial_merge_size**2)

        def before(_tower: Any, args: tuple[Tensor, ...], arguments: dict[str, Any]) -> Any:
            return (args[0][patches], *args[1:]), arguments | told

        def after(_tower: Any, _args: Any, output: Any) -> Any:
            output.pooler_output = _among(output.pooler_output, keep)
            if "deepstack_features" in output:
                output.deepstack_features = [_among(own, keep) for own in output.deepstack_features]
            return output

        handles = [tower.register_forward_pre_hook(before, with_kwargs=True), tower.register_forward_hook(after)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def grid_of(inputs: dict[str, Tensor]) -> Tensor:
    """Return how many times, rows and columns of patches each picture has, or a video.

    Shapes: -> (pictures, 3).
    """
    return inputs["video_grid_thw" if "video_grid_thw" in inputs else "image_grid_thw"]


def _among(rows: Tensor, keep: Tensor) -> Tensor:
    """Put rows where they were kept, zeros elsewhere.

    Shapes: (n, C) -> (visual tokens, C).
    """
    return rows.new_zeros(len(keep), rows.shape[1]).masked_scatter(keep[:, None], rows)
