"""Where visual tokens lie in their pictures: a ramp of grey tells it, seen through the model's own image processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from leanvlm.engine import sweep
from leanvlm.engine.vision.centers import unpack
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

SIZES = [(144, 144), (144, 288), (250, 100), (300, 200), (97, 310)]


def ramp(width: int, height: int) -> Image.Image:
    """Red grows from left to right, green from top to bottom; blue tells the picture from padding."""
    x, y = np.meshgrid(np.arange(width) / (width - 1), np.arange(height) / (height - 1))
    return Image.fromarray(np.uint8(np.stack([x, y, 0 * x + 1], axis=-1) * 255))


def seen(model: LoadedModel, inputs: dict[str, Tensor]) -> Tensor:
    """Read x and y of each visual token off what the tower is shown.

    Shapes: -> (visual tokens, 2).
    """
    side = model.model.config.vision_config.patch_size
    pixels = inputs["pixel_values"].flatten(0, -4)  # (tiles, 3, height, width)
    per_patch = pixels.unfold(2, side, side).unfold(3, side, side).mean((-1, -2)).permute(0, 2, 3, 1).flatten(0, 2)
    processor: Any = model.processor
    image_processor = processor.image_processor
    colours = per_patch * torch.tensor(image_processor.image_std) + torch.tensor(image_processor.image_mean)
    found = model.spread(colours, inputs, fill=float("nan"))
    return found[:, :2] / found[:, 2:]  # of the part that is no padding


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_token_lies_where_its_patches_look(model: LoadedModel, size: tuple[int, int]) -> None:
    inputs = model.inputs([ramp(*size)], "where?")
    centers = model.token_centers(inputs)
    assert centers is not None
    found = seen(model, inputs)
    assert torch.equal(centers[:, 1].isnan(), found[:, 0].isnan())
    is_inside = ~found.isnan().any(1)
    assert (centers[is_inside][:, 1:] - found[is_inside]).abs().max() < 0.06  # half a patch of a tile, and resampling
    assert (centers[:, 0][is_inside] == 0).all()


def asked(pictures: list[Image.Image]) -> Sample:
    return Sample(sample_id="s", question="where?", images=tuple(pictures))


def test_only_token_methods_tell_where_and_as_many_as_they_keep(model: LoadedModel) -> None:
    pictures = [ramp(144, 288)]
    kept = {"tokens/fastv@10%": 0.1, "tokens/visionzip@10%": 0.1, "controls/random_tokens@1%": 0.01}
    texts = ("controls/full", "cache/snapkv@10%", *kept)
    found = sweep.answers_to(model, asked(pictures), [parse(t) for t in texts], limit=2)
    assert found["controls/full"].kept_centers is found["cache/snapkv@10%"].kept_centers is None
    for text, budget in kept.items():
        packed = found[text].kept_centers
        assert packed is not None
        centers = unpack(packed).tolist()
        n_kept = int(found[text].visual_tokens * budget)
        assert n_kept - 24 <= len(centers) <= n_kept  # at most 24 row ends lie nowhere
        assert len({tuple(center) for center in centers}) == len(centers)
        assert all(0 <= x <= 1000 and 0 <= y <= 1000 for _, x, y in centers)


def test_each_of_several_pictures_has_its_own(model: LoadedModel) -> None:
    pictures = [ramp(144, 144)] * 3
    [found] = sweep.answers_to(model, asked(pictures), [parse("controls/random_tokens@10%")], limit=1).values()
    assert found.kept_centers is not None
    counts = [sum(image == i for image, *_ in unpack(found.kept_centers)) for i in range(3)]
    assert min(counts) >= 13
