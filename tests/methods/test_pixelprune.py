"""PixelPrune on grids worked by hand; what was kept draws the picture again; the tower sees nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from leanvlm import plugins
from leanvlm.engine import sweep
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods.tokens.pixelprune import Method, unpredicted
from leanvlm.models._loading import load_model
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import test_video, tiny
from tests.models.test_architectures import attention_of
from tests.models.test_processors import QUESTION

ARCHITECTURES = ["qwen2_5_vl", "qwen2_vl", "qwen3_vl"]
SIDE = 28  # of a token of the tiny models [pixels]
TEMPLATE = (
    "{% for part in messages[0]['content'] %}{{ part['text'] if part['type'] == 'text' "
    "else '<|vision_start|><|' + part['type'] + '_pad|><|vision_end|>' }}{% endfor %}"
)
EDGE = [[0, 0, 5, 5], [0, 0, 5, 5], [0, 0, 5, 7], [3, 3, 3, 3]]


def grid(rows: list[list[int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)[..., None]


def kept(blocks: Tensor, tau: int = 0) -> list[int]:
    return Method(tau=tau).keeps(blocks).flatten().nonzero()[:, 0].tolist()  # type: ignore[no-any-return]


def drawn(*, levels: int, seed: int = 0) -> Tensor:
    """Draw tokens of two values each, few of which differ."""
    return torch.randint(levels, (7, 9, 2), generator=torch.Generator().manual_seed(seed)).float()


@pytest.mark.parametrize(
    ("rows", "tau", "expected"),
    [
        (EDGE, 0, [0, 2, 11, 12]),
        ([[0, 1, 2, 3]] * 2, 0, [0, 1, 2, 3]),
        ([[0, 1, 2, 3]] * 2, 1, [0, 2]),
        ([[0, 1, 2, 3]] * 2, 2, [0, 3]),
        ([[4] * 5] * 3, 0, [0]),
        ([[9]], 0, [0]),
    ],
)
def test_grids_by_hand(rows: list[list[int]], tau: int, expected: list[int]) -> None:
    assert kept(grid(rows), tau) == expected


@pytest.mark.parametrize("levels", [2, 3, 300])
def test_all_at_once_is_one_by_one(levels: int) -> None:
    for seed in range(5):
        blocks = drawn(levels=levels, seed=seed)
        assert torch.equal(Method().keeps(blocks), unpredicted(blocks, 0)[0])


@pytest.mark.parametrize("tau", [0, 1, 3, 8])
def test_what_is_kept_draws_the_picture_again(tau: int) -> None:
    """A decoder that knows the kept patches and the rule of prediction alone."""
    for seed in range(5):
        blocks = drawn(levels=2 + 3 * tau, seed=seed)
        keep, again = Method(tau=tau).keeps(blocks), torch.full_like(blocks, torch.nan)
        for place in range(keep.numel()):
            row, column = divmod(place, keep.shape[1])
            if keep[row, column]:
                again[row, column] = blocks[row, column]
                continue
            left = again[row, column - 1] if column else None
            above = again[row - 1, column] if row else None
            if left is None or above is None:
                again[row, column] = above if left is None else left
                continue
            corner = again[row - 1, column - 1]
            is_edge = (corner - left).abs().max() <= tau < (corner - above).abs().max()
            again[row, column] = above if is_edge else left
        assert (again - blocks).abs().max() <= tau
        assert torch.equal(again, unpredicted(blocks, tau)[1])


def picture(columns: int, rows: int) -> Image.Image:
    """Draw plain tokens with three that are spotted."""
    image = Image.new("RGB", (columns * SIDE, rows * SIDE), (90, 160, 30))
    for column, row in ((1, 0), (4, 2), (5, 2)):
        spots = random.Random(column).randbytes(3 * SIDE * SIDE)
        image.paste(Image.frombytes("RGB", (SIDE, SIDE), spots), (column * SIDE, row * SIDE))
    return image


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = test_video.checkpoint(request.param, tmp_path_factory.mktemp(request.param))
    model: Any = load_model(request.param, folder)
    for part in ("image_processor", "video_processor"):
        own = getattr(model.processor, part)
        own = getattr(own, "pictures", own)
        own.size = {"shortest_edge": 1, "longest_edge": 10**7}  # tokens of the size that is drawn
    model.processor.chat_template = TEMPLATE
    model.name = request.param
    return model


def shown(model: Any, *, video: bool) -> tuple[list[Image.Image], tiny.Inputs]:
    images = [picture(6, 4), picture(6, 5)]
    if not video:
        return images, model.inputs(images, QUESTION)
    frames = [images[0]] * 2 + [images[0].rotate(180)] * 2
    return frames, model.video_inputs(frames, QUESTION, fps=1.0)


@pytest.mark.parametrize("video", [False, True])
def test_blocks_are_the_pictures_own_pixels(model: Any, video: bool) -> None:
    images, inputs = shown(model, video=video)
    images = images[::2] if video else images
    for image, blocks in zip(images, model.pixel_blocks(inputs), strict=True):
        assert blocks.shape[:2] == (image.height // SIDE, image.width // SIDE)
        for row in range(blocks.shape[0]):
            for column in range(blocks.shape[1]):
                box = (column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE)
                levels = torch.frombuffer(bytearray(image.crop(box).tobytes()), dtype=torch.uint8).float()
                own = torch.cat([levels, levels]).sort().values  # two frames share a patch
                assert torch.equal(blocks[row, column].sort().values, own)


@pytest.mark.parametrize("video", [False, True])
def test_the_tower_is_shown_the_kept_patches_alone(model: Any, video: bool) -> None:
    """The oracle shows it all patches, and hides in its attention those that were left out."""
    _, inputs = shown(model, video=video)
    method = parse("tokens/pixelprune").parts[0].built
    keep = torch.cat([method.keeps(own).flatten() for own in model.pixel_blocks(inputs)])
    assert 1 < int(keep.sum()) < len(keep) / 2
    lengths = tower_lengths(model)
    ours = run_vision(model, inputs, method=method)
    (seen,) = set(lengths)
    assert seen == 4 * int(keep.sum())
    with hiding(model, inputs, keep):
        whole = run_vision(model, inputs)
    stays = ~whole.is_visual
    stays[whole.is_visual] = keep
    torch.testing.assert_close(ours.embeds, whole.embeds[:, stays])
    assert torch.equal(ours.positions, whole.positions[..., stays])
    assert len(ours.added) == len(whole.added)
    for one, other in zip(ours.added, whole.added, strict=True):
        torch.testing.assert_close(one, other[stays])
    assert len(ours.spans) == len(whole.spans)


def tower_lengths(model: Any) -> list[int]:
    """Note how many patches enter the blocks from now on."""
    seen: list[int] = []
    for block in model.model.model.visual.blocks:
        block.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    return seen


@contextmanager
def hiding(model: Any, inputs: tiny.Inputs, keep: Tensor) -> Iterator[None]:
    """Let no patch of the tower see one that is not kept, picture by picture or window by window."""
    order = model._windows(inputs)[0] if model.name == "qwen2_5_vl" else torch.arange(len(keep))
    patches, at = keep[order].repeat_interleave(4), {"next": 0}

    def slow(_module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any) -> Any:
        first = at["next"] % len(patches)
        at["next"] += key.shape[2]
        hidden = ~patches[first : first + key.shape[2]]
        logits = (query @ key.transpose(-1, -2) * options["scaling"]).masked_fill(hidden, float("-inf"))
        return (logits.softmax(-1).nan_to_num() @ value).transpose(1, 2), None

    with attention_of(model.model.model.visual.config, slow):
        yield
    assert at["next"] == len(patches) * len(model.model.model.visual.blocks)


def test_an_answer_says_what_was_shown(model: Any) -> None:
    images, inputs = shown(model, video=False)
    recipes = [parse(text) for text in ("controls/full", "tokens/pixelprune", "tokens/pixelprune+cache/snapkv@30%")]
    asked = Sample(sample_id="s", question=QUESTION, images=tuple(images))
    full, pruned, both = sweep.answers_to(model, asked, recipes, limit=4, stops=frozenset()).values()
    n_kept = sum(int(Method().keeps(own).sum()) for own in model.pixel_blocks(inputs))
    assert pruned.visual_tokens == full.visual_tokens == full.visual_tokens_kept == 54
    assert pruned.visual_tokens_kept == both.visual_tokens_kept == n_kept
    assert pruned.image_kept == n_kept / 54
    assert pruned.prompt_tokens == full.prompt_tokens
    assert both.cache_kept < 0.5 * pruned.cache_kept
    for recipe, swept in zip(recipes, (full, pruned, both), strict=True):
        alone = sweep.answers_to(model, asked, [recipe], limit=4, stops=frozenset())
        assert alone[recipe.text] == swept


def test_a_picture_without_repeats_is_shown_wholly(model: Any) -> None:
    images = [Image.effect_noise((168, 112), 90).convert("RGB")]
    asked = Sample(sample_id="s", question=QUESTION, images=tuple(images))
    recipes = [parse("controls/full"), parse("tokens/pixelprune")]
    full, pruned = sweep.answers_to(model, asked, recipes, limit=8, stops=frozenset()).values()
    assert pruned == full


@pytest.mark.parametrize("architecture", [name for name in tiny.BUILDERS if name not in ARCHITECTURES])
def test_other_towers_take_whole_pictures(architecture: str) -> None:
    kind, recipe = plugins.load("models", architecture), parse("tokens/pixelprune")
    reason = refusal(kind, tiny.build(architecture).model.config, recipe)
    able = "qwen2_5_vl, qwen2_vl, qwen3_vl"
    assert reason == f"its tower takes whole pictures; a part of their patches can be shown to {able}"
    with pytest.raises(InputError, match=reason):
        sweep.answers_to(tiny.build(architecture), Sample(sample_id="s", question="one"), [recipe], limit=1)


def test_a_method_that_asks_the_tower_is_refused_beside_it() -> None:
    kind = plugins.load("models", "qwen2_vl")
    reason = refusal(kind, tiny.build("qwen2_vl").model.config, parse("tokens/pixelprune+tokens/visionzip@40%"))
    assert reason == "the tower makes a part of the tokens, and tokens/visionzip asks it about all"
