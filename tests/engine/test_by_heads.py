"""Attention head by head: as exact as transformers' own eager attention, and only where it is faster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.siglip.modeling_siglip import eager_attention_forward

from leanvlm.engine.attention import by_heads, recording
from leanvlm.engine.attention.by_heads import LEAST, ROWS, attend_by_heads, goes_by_heads
from leanvlm.engine.vision.vision_pass import run_vision
from tests.models import tiny

TOWER: Any = SimpleNamespace(is_causal=False, training=False)


def states(n: int) -> list[Tensor]:
    """Draw queries, keys and values as a tower hands them over: heads taken out of the middle."""
    return [torch.randn(2, n, 3, 72, dtype=torch.bfloat16).transpose(1, 2) for _ in range(3)]


@pytest.mark.parametrize("n", [LEAST, ROWS, ROWS + 1, 1370])
def test_it_errs_no_more_than_eager_attention(n: int) -> None:
    torch.manual_seed(n)
    query, key, value = states(n)
    exact = scaled_dot_product_attention(*(one.double() for one in (query, key, value))).transpose(1, 2)
    ours, _ = attend_by_heads(query, key, value)
    eager, _ = eager_attention_forward(TOWER, query, key, value, None, scaling=72**-0.5)
    assert ours.shape == eager.shape
    assert ours.is_contiguous()
    assert (ours - exact).abs().max() <= 1.1 * (eager - exact).abs().max()
    assert (ours - exact).abs().mean() <= 1.01 * (eager - exact).abs().mean()


def test_scores_are_scaled_as_asked() -> None:
    query, key, value = states(LEAST)
    alike, _ = attend_by_heads(query, key, value, scaling=0.0)
    assert torch.allclose(alike.float(), value.float().mean(2)[:, None].expand_as(alike), atol=2e-2)


def test_a_picture_does_not_depend_on_its_company() -> None:
    query, key, value = states(LEAST + 1)
    both, _ = attend_by_heads(query, key, value)
    alone, _ = attend_by_heads(query[1:], key[1:], value[1:])
    assert torch.equal(both[1:], alone)


def test_it_is_for_long_unmasked_bfloat16_on_a_cpu() -> None:
    query = states(LEAST)[0]
    assert goes_by_heads(TOWER, query, None, None)
    assert goes_by_heads(TOWER, query, None, False)
    assert not goes_by_heads(TOWER, query, None, True)
    assert not goes_by_heads(SimpleNamespace(), query, None, None)  # type: ignore[arg-type]
    assert not goes_by_heads(TOWER, query, torch.ones(1), None)
    assert not goes_by_heads(TOWER, query.float(), None, None)
    assert not goes_by_heads(TOWER, query[:, :, 1:], None, None)
    assert not goes_by_heads(TOWER, query.to("meta"), None, None)


@pytest.mark.parametrize("architecture", sorted(set(tiny.BUILDERS) - {"mllama"}))  # whose tower has a mask
def test_towers_go_by_heads(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, called = tiny.build(architecture), list[int]()
    model.model.to(torch.bfloat16)
    model.dtype = torch.bfloat16

    def counted(*asked: Tensor, **options: Any) -> tuple[Tensor, None]:
        called.append(1)
        return attend_by_heads(*asked, **options)

    monkeypatch.setattr(by_heads, "LEAST", 1)
    monkeypatch.setattr(recording, "attend_by_heads", counted)
    run_vision(model, model.inputs(tiny.pictures("one"), "one"))
    assert len(called) >= len(model.encoder_blocks)
