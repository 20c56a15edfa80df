"""A layer that lies in room for more holds what one that is copied at each token holds."""

from __future__ import annotations

import torch
from transformers.cache_utils import DynamicLayer

from leanvlm.engine.cache.growing_layer import BLOCK, GrowingLayer


def states(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    keys, values = torch.randn(2, 1, 3, n, 8, generator=generator).unbind()
    return keys, values[..., :5]  # some models have values of another width


def test_it_holds_what_a_copied_one_holds() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = GrowingLayer(), DynamicLayer()
    for n in (BLOCK - 2, *[1] * (BLOCK + 5), 3 * BLOCK, 1):
        new = states(n, generator)
        found = ours.update(*new)
        assert all(map(torch.equal, found, theirs.update(*new)))
        assert ours.get_seq_length() == theirs.get_seq_length() == ours.keys.shape[2]
        new[0].zero_()  # what was handed over is not what is held
    assert all(map(torch.equal, (ours.keys, ours.values), (theirs.keys, theirs.values)))


def test_what_others_put_in_its_place_is_what_grows() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = GrowingLayer()
    layer.update(*states(10, generator))
    kept, new = [held[:, :, 3:] for held in (layer.keys, layer.values)], states(1, generator)
    layer.keys, layer.values = kept
    found = layer.update(*new)
    assert all(torch.equal(one, torch.cat(pair, 2)) for one, *pair in zip(found, kept, new, strict=True))


def test_a_token_moves_nothing_until_the_room_is_full() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = GrowingLayer()
    layer.update(*states(BLOCK // 2, generator))
    places = set()
    for _ in range(BLOCK // 2 - 1):
        before = layer.keys
        layer.update(*states(1, generator))
        places.add(layer.keys.data_ptr())
        assert torch.equal(before, layer.keys[:, :, : before.shape[2]])
    assert len(places) == 1
