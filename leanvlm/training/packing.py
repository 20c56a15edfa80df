"""Pack pictures with all their questions into one batch: each question sees the picture and itself, nothing else.

So one pass over a picture trains on six to twelve questions, and each is trained exactly as it will be asked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from leanvlm.benchmarks._benchmark import Picture, Question
from leanvlm.benchmarks._canvas import CHANNELS, PATCH, TILE

TOKENS = TILE * TILE  # visual tokens of one tile
NEWLINE = -1  # marks LLaVA-OneVision's learned end-of-row vector among the visual tokens


@dataclass
class Batch:
    """Tensors of one step. N tiles, B pictures, T tokens; text positions hold ids, visual ones point into the tiles."""

    pixels: Tensor | None  # (N, 3, side, side) in [-1, 1]
    labels: Tensor  # (N, tokens, channels)
    ids: Tensor  # (B, T)
    visual: Tensor  # (B, T): row of the flattened tiles + 2, 1 = newline, 0 = a text token
    positions: Tensor  # (B, T)
    mask: Tensor  # (B, 1, T, T), 0 where a token may be attended to, else -inf
    targets: Tensor  # (B, T): the next token where it is part of an answer, else -100


def visual_order(picture: Picture) -> list[tuple[int, int]]:
    """List the visual tokens as (tile, patch) in the decoder's order; tile 0 of a single picture is its base."""
    if len(picture.canvases) > 1:  # several images: one tile and one newline each
        return [pair for i in range(len(picture.canvases)) for pair in ((i, p) for p in (*range(TOKENS), NEWLINE))]
    canvas = picture.canvases[0]
    across, down = canvas.columns // TILE, canvas.rows // TILE
    order = [(0, patch) for patch in range(TOKENS)]
    for row in range(down * TILE):
        for column in range(across * TILE):
            tile = 1 + row // TILE * across + column // TILE
            order.append((tile, row % TILE * TILE + column % TILE))
        order.append((0, NEWLINE))
    return order


def tile_images(picture: Picture, side: int) -> list[np.ndarray]:
    """Render the tiles, as the image processor cuts them."""
    images = [canvas.image for canvas in picture.canvases]
    if len(images) > 1:
        return [np.asarray(image) for image in images]
    whole = np.asarray(images[0])
    base = np.asarray(images[0].resize((side, side), Image.Resampling.BICUBIC))
    rows, columns = whole.shape[0] // side, whole.shape[1] // side
    grid = whole.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    return [base, *grid]


def tile_labels(picture: Picture) -> list[np.ndarray]:
    """Cut the patch labels into tiles; the base tile of a larger picture is too small to read and gets none.

    Shapes: -> (tokens, channels) each.
    """
    found = []
    for canvas in picture.canvases:
        rows, columns = canvas.rows // TILE, canvas.columns // TILE
        grid = canvas.labels.reshape(rows, TILE, columns, TILE, -1).swapaxes(1, 2).reshape(-1, TOKENS, len(CHANNELS))
        if len(picture.canvases) == 1:
            found.append(grid[0] if len(grid) == 1 else np.zeros_like(grid[0]))
        found += list(grid)
    return found


def pack_tiles(pictures: list[Picture]) -> tuple[Tensor, Tensor]:
    """Build a batch for the tower alone: every tile at full resolution, once.

    Shapes: -> pixels (N, 3, side, side), labels (N, tokens, channels).
    """
    pixels, labels = [], []
    for picture in pictures:
        skip = len(picture.canvases) == 1  # the base tile
        pixels += tile_images(picture, TILE * PATCH)[skip:]
        labels += tile_labels(picture)[skip:]
    return _to_pixels(pixels), torch.from_numpy(np.stack(labels))


def pack(
    pictures: list[Picture],
    tokenizer: PreTrainedTokenizerFast,
    rng: random.Random,
    *,
    with_pixels: bool,
    drops_blank: bool,
    questions: int = 16,
) -> Batch:
    """Build a batch; `drops_blank` leaves out visual tokens without a label, at unchanged positions."""
    rows: list[Row] = []
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for picture in pictures:
        own_labels = tile_labels(picture)
        rows.append(_sequence(picture, own_labels, len(labels), tokenizer, rng, drops_blank, questions))
        labels += own_labels
        if with_pixels:
            pixels += tile_images(picture, TILE * PATCH)
    return _pad(rows, _to_pixels(pixels) if pixels else None, torch.from_numpy(np.stack(labels)))


def _to_pixels(tiles: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2).float() / 127.5 - 1


Row = list[tuple[int, int, int, int, int]]  # (id, visual, position, segment, target) per token


def _sequence(
    picture: Picture,
    labels: list[np.ndarray],
    first_tile: int,
    tokenizer: PreTrainedTokenizerFast,
    rng: random.Random,
    drops_blank: bool,
    questions: int,
) -> Row:
    special: Any = tokenizer.convert_tokens_to_ids  # typed as if one token could have several ids
    row: Row = [(special("<|user|>"), 0, 0, 0, -100)]
    order = visual_order(picture)
    for position, (tile, patch) in enumerate(order, start=1):
        if patch == NEWLINE:
            row.append((special("<image>"), 1, position, 0, -100))
        elif not drops_blank or labels[tile][patch].any():
            row.append((special("<image>"), 2 + (first_tile + tile) * TOKENS + patch, position, 0, -100))
    start = len(order) + 1
    asked = [*picture.questions, *picture.drills]
    for segment, question in enumerate(rng.sample(asked, min(questions, len(asked))), start=1):
        row += _question(question, start, segment, tokenizer)
    return row


def _question(question: Question, start: int, segment: int, tokenizer: PreTrainedTokenizerFast) -> Row:
    special = tokenizer.convert_tokens_to_ids
    prompt = [*tokenizer(question.text).input_ids, special("<|assistant|>")]
    ids = [*prompt, *tokenizer(question.answers[0]).input_ids, special("<|end|>")]
    targets = [*ids[1:], -100]
    return [
        (token, 0, start + i, segment, target if i >= len(prompt) - 1 else -100)
        for i, (token, target) in enumerate(zip(ids, targets, strict=True))
    ]


def _pad(rows: list[Row], pixels: Tensor | None, labels: Tensor) -> Batch:
    longest = max(len(row) for row in rows)
    filler = (0, 0, 0, -1, -100)
    table = torch.tensor([row + [filler] * (longest - len(row)) for row in rows])  # (B, T, 5)
    ids, visual, positions, segments, targets = table.unbind(-1)
    earlier = torch.ones(longest, longest, dtype=torch.bool).tril()
    same = segments[:, :, None] == segments[:, None, :]
    mask = earlier & (same | (segments == 0)[:, None, :])
    bias = torch.zeros(mask.shape).masked_fill(~mask & (segments >= 0)[:, :, None], float("-inf"))
    return Batch(pixels, labels, ids, visual, positions, bias[:, None], targets)
