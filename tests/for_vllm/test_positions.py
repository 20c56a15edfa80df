"""Positions in vLLM are those of leanvlm's engine: every token that is left keeps the one of the whole prompt."""

from __future__ import annotations

import random

import pytest
import torch

from leanvlm.for_vllm.positions import lay_out, place, section, with_places, without_places

WHOLE = [3, (7, 3), 2, (4, 1), (5, 4), 6]  # tokens of text, and pictures as (tokens, tokens that are kept)


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor], list[tuple[int, int, int]], int]:
    """Positions of what is left, which of it is visual, indices and places of the pictures, and the whole length."""
    rng, positions, is_visual, kept, pictures, at = random.Random(seed), [], [], [], [], 0
    for piece in WHOLE:
        n, n_kept = piece if isinstance(piece, tuple) else (piece, piece)
        chosen = sorted(rng.sample(range(n), n_kept))
        if isinstance(piece, tuple):
            kept.append(torch.tensor(chosen))
            pictures.append((len(positions), n_kept, n))
        positions += [at + index for index in chosen]
        is_visual += [isinstance(piece, tuple)] * n_kept
        at += n
    return torch.tensor(positions), torch.tensor(is_visual), kept, pictures, at


@pytest.mark.parametrize("seed", range(3))
def test_positions_are_those_of_the_whole_prompt(seed: int) -> None:
    wanted, is_visual, kept, pictures, n_whole = drawn(seed)
    laid = lay_out(len(wanted), pictures)
    assert set((len(wanted) + laid[2]).tolist()) == {n_whole}  # where the answer goes on
    assert torch.equal(laid[0, ~is_visual], wanted[~is_visual])
    assert torch.equal(place(laid, is_visual, torch.cat(kept), first=0)[0], wanted)


@pytest.mark.parametrize("cut", range(1, 19))
def test_a_prompt_may_be_read_in_two_steps_and_once_more(cut: int) -> None:
    wanted, is_visual, kept, pictures, _ = drawn(0)
    index = torch.cat(kept)
    placed = lay_out(len(wanted), pictures)
    for first, end in [(0, cut), (cut, len(wanted)), (0, len(wanted))]:
        before, now = int(is_visual[:first].sum()), int(is_visual[:end].sum())
        placed = place(placed, is_visual, index[before:now], first=first)
    assert torch.equal(placed[0], wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("n_axes", [1, 2])
def test_places_survive_small_floats(n_axes: int, dtype: torch.dtype) -> None:
    index = torch.tensor([*range(0, 70_000, 7), 2**21 - 1])
    places = torch.stack([index, index.flip(0)], -1)[:, :n_axes]
    features = torch.randn(len(index), 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    found, read = without_places(with_places(features, places), n_axes)
    assert torch.equal(read, places)
    assert torch.equal(found, features)


def test_only_the_first_row_turns_anything() -> None:
    first, *others = section(32)
    assert (first, others) == (16, [0, 0])


def test_a_prompt_without_pictures_is_counted() -> None:
    assert lay_out(5, []).tolist() == [list(range(5))] * 2 + [[0] * 5]
