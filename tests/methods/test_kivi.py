"""KIVI: groups worked by hand, packed bytes, and a reference in float64 that quantises all anew at each token."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from leanvlm.engine import sweep
from leanvlm.engine.cache.kept_layer import KeptLayer
from leanvlm.engine.decode.decode import Way, decode
from leanvlm.engine.decode.joint import JointRows
from leanvlm.engine.decode.joint_cache import attended
from leanvlm.engine.decode.rows import SingleRows
from leanvlm.engine.decode.steps import DecodeStart, steps
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods.cache.kivi import Method, quantised, rounded
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.engine.test_joint import tokens
from tests.models import tiny

Numbers = NDArray[np.float64]
SHORT = "cache/kivi@2bit:group=8,residual=8"


@pytest.mark.parametrize(
    ("group", "codes", "back"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]),
        ([10, 12, 11, 16], [0, 1, 0, 3], [10, 12, 10, 16]),  # half goes to the even code
        ([0, 1, 2, 9], [0, 0, 1, 3], [0, 0, 3, 9]),
        ([4, 4.5, 5, 7], [0, 0, 1, 3], [4, 4, 5, 7]),
        ([2.5, 2.5, 2.5, 2.5], [0, 0, 0, 0], [2.5, 2.5, 2.5, 2.5]),  # no scale to divide by
        ([-1, 2, -4, 5], [1, 2, 0, 3], [-1, 2, -4, 5]),
    ],
)
def test_two_bits_of_a_group(group: list[float], codes: list[int], back: list[float]) -> None:
    assert quantised(torch.tensor(group), bits=2, group=4)[0][0].tolist() == codes
    assert rounded(torch.tensor(group), bits=2, group=4).tolist() == back


def test_keys_are_grouped_by_channel_and_values_by_token() -> None:
    """The published example: keys of four tokens and two channels stand upright, values lie."""
    keys, values = torch.zeros(8, 4), torch.zeros(8, 4)
    keys[:4, :2] = torch.tensor([[0.0, 10], [1, 12], [2, 11], [3, 16]])
    values[0], values[1] = torch.tensor([0.0, 1, 2, 9]), torch.tensor([4, 4.5, 5, 7])
    Method(setting="2bit", group=4, residual=4).settle(keys, values, before=0)
    assert keys[:4, :2].tolist() == [[0, 10], [1, 12], [2, 10], [3, 16]]
    assert values[:2].tolist() == [[0, 0, 3, 9], [4, 4, 5, 7]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bits", [2, 4])
def test_no_value_is_off_by_more_than_half_a_step(bits: int, dtype: torch.dtype) -> None:
    states = (3 * torch.randn(50, 64, generator=torch.Generator().manual_seed(0))).to(dtype)
    codes, scale, least = quantised(states, bits=bits, group=32)
    assert (codes == codes.round()).all()
    assert codes.min() == 0
    assert codes.max() == 2**bits - 1
    off = (rounded(states, bits=bits, group=32).double() - states.double()).abs().unflatten(-1, (2, 32))
    rounding = torch.finfo(dtype).eps * (least.double().abs() + 2**bits * scale.double())  # of scale and result
    assert (off <= scale.double() / 2 + rounding).all()


def back(numbers: Numbers, bits: int) -> Numbers:
    """Quantise each row of an array in float64."""
    least = numbers.min(-1, keepdims=True)
    step = (numbers.max(-1, keepdims=True) - least) / (2**bits - 1)
    codes = np.rint(np.divide(numbers - least, step, out=np.zeros_like(numbers), where=step > 0))
    return codes * step + least


def reference(keys: Tensor, values: Tensor, method: Method) -> tuple[Tensor, Tensor]:
    """Say what a head gives back when its tokens have come, group by group. Shapes: (n, D) each."""
    whole, bits, group = (keys.double().numpy(), values.double().numpy()), method.bits, method.group
    found_keys, found_values = (states.copy() for states in whole)
    n, width = found_keys.shape
    for first in range(0, n - n % method.residual, group):
        for channel in range(width):
            found_keys[first : first + group, channel] = back(whole[0][first : first + group, channel], bits)
    for token in range(max(0, n - method.residual)):
        for first in range(0, width, group):
            found_values[token, first : first + group] = back(whole[1][token, first : first + group], bits)
    return torch.from_numpy(found_keys), torch.from_numpy(found_values)


def near(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one.double(), other.double(), atol=1e-5)


@pytest.mark.parametrize("padding", [[0, 0], [0, 5], [13, 0]])
@pytest.mark.parametrize("n", [3, 8, 16, 21])
def test_a_layer_that_grows_holds_what_the_reference_gives_back(n: int, padding: list[int]) -> None:
    """Token by token; the last that fell out of a window is still whole, until the next one comes."""
    method, lots = Method(setting="2bit", group=4, residual=8), torch.Generator().manual_seed(n)
    keys, values = torch.randn(2, 1, 2, n + max(padding) + 20, 8, generator=lots)
    start = n + max(padding)
    layer = KeptLayer(keys[:, :, :start], values[:, :, :start], padding, method)
    for end in range(start, keys.shape[2] + 1):
        for head, empty in enumerate(padding):
            expected = reference(keys[0, head, empty:end], values[0, head, empty:end], method)
            held = (states[0, head, empty:] for states in (layer.keys, layer.values))
            assert all(near(one, other) for one, other in zip(held, expected, strict=True))
        if end < keys.shape[2]:
            seen = layer.update(keys[:, :, end : end + 1], values[:, :, end : end + 1])
            assert torch.equal(seen[0][:, :, -1], keys[:, :, end]), "its own step sees a token whole"
            layer.settle()


@pytest.mark.parametrize(
    ("setting", "shares"), [("2bit", [1, 0.594, 0.4204, 0.2818]), ("4bit", [1, 0.656, 0.5096, 0.3923])]
)
def test_the_published_shares_of_bytes(setting: str, shares: list[float]) -> None:
    method = Method(setting=setting, residual=128)
    for n, share in zip((100, 128, 300, 1000), shares, strict=True):
        stored = method.stored_bytes(n, key_width=128, value_width=128, element=2)
        assert stored / (n * 2 * 128 * 2) == pytest.approx(share, abs=5e-4)
    keys, values = (
        Method(setting="2bit", residual=128).stored_bytes(300, key_width=k, value_width=v, element=2)
        for k, v in ((128, 0), (0, 128))
    )
    assert (keys, values) == (23552, 41024)


@pytest.mark.parametrize("setting", ["2bit", "4bit"])
@pytest.mark.parametrize("n", [5, 16, 43])
def test_bytes_are_those_of_packed_codes(setting: str, n: int) -> None:
    """Pack the codes, and unpack them: the cache holds what they give back."""
    method = Method(setting=setting, group=8, residual=16)
    keys, values = torch.randn(2, n, 24, generator=torch.Generator().manual_seed(n)).to(torch.bfloat16)
    held = keys.clone(), values.clone()
    method.settle(*held, before=0)
    n_keys, n_values = n - n % 16, max(0, n - 16)
    total = (2 * n - n_keys - n_values) * 24 * 2
    for states, found in ((keys[:n_keys].T, held[0][:n_keys].T), (values[:n_values], held[1][:n_values])):
        if not states.numel():
            continue
        codes, scale, least = quantised(states, bits=method.bits, group=8)
        packed = packed_codes(codes, method.bits)
        total += packed.nbytes + scale.nbytes + least.nbytes
        again = unpacked(packed, method.bits, codes.shape) * scale.float() + least.float()
        assert torch.equal(again.to(torch.bfloat16).flatten(-2), found)
    assert method.stored_bytes(n, key_width=24, value_width=24, element=2) == total


def packed_codes(codes: Tensor, bits: int) -> NDArray[np.uint8]:
    of_each = np.unpackbits(codes.to(torch.uint8).numpy().reshape(-1, 1), axis=1)[:, -bits:]
    return np.packbits(of_each)


def unpacked(packed: NDArray[np.uint8], bits: int, shape: Any) -> Tensor:
    of_each = np.unpackbits(packed).reshape(-1, bits)
    codes = np.packbits(np.pad(of_each, ((0, 0), (8 - bits, 0))), axis=1)
    return torch.from_numpy(codes.reshape(shape)).float()


@pytest.fixture(scope="module", params=["qwen2_vl", "lfm2_vl"])
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


def start_of(model: Any, recipe: str) -> DecodeStart:
    parsed = parse(recipe)
    prompt = run_vision(model, model.inputs(tiny.pictures("two"), "two"))
    read = read_prompt(model, prompt, None, "s", [parsed])
    return DecodeStart(keep_cache(parsed, read, "s").cache, read.logits, read.next_position)


@torch.inference_mode()
def slow(model: Any, evicting: str, method: Method, n: int) -> list[int]:
    """Decode with transformers' own cache and attention, which is filled anew with what the reference gives back."""
    start = start_of(model, evicting)
    raw = {index: [states.clone() for states in pair] for index, pair in attended(start.cache).items()}
    logits, position, said = start.logits, start.position, []
    for _ in range(n):
        said.append(int(logits.argmax()))
        for index, (keys, values) in raw.items():
            heads = [reference(k, v, method) for k, v in zip(keys[0], values[0], strict=True)]
            layer: Any = start.cache.layers[index]
            layer.keys, layer.values = (torch.stack(states)[None].float() for states in zip(*heads, strict=True))
        ids = torch.tensor([[said[-1]]])
        states = model.text(
            inputs_embeds=model.model.get_input_embeddings()(ids), position_ids=position, past_key_values=start.cache
        ).last_hidden_state
        for index, pair in attended(start.cache).items():
            raw[index] = [torch.cat([old, new[:, :, -1:]], 2) for old, new in zip(raw[index], pair, strict=True)]
        logits, position = model.head(states[0, -1]), position + 1
    return said


@pytest.mark.parametrize("evicting", ["controls/full", "cache/snapkv@40%"])
def test_every_way_of_decoding_says_what_the_reference_says(model: Any, evicting: str) -> None:
    """Over two windows of new tokens: alone, row by row, and jointly, beside an answer that is stored whole."""
    joined = SHORT if evicting == "controls/full" else f"{evicting}+{SHORT}"
    expected = slow(model, evicting, Method(setting="2bit", group=8, residual=8), 20)
    assert list(islice(steps(model, start_of(model, joined)), 20)) == expected
    ways: tuple[Way, ...] = (SingleRows, JointRows)
    for way in ways:
        starts = [start_of(model, joined), start_of(model, evicting)]
        found = tokens(decode(model, starts, stops=frozenset(), limit=20, rows=3, way=way))
        assert found[0] == expected
        assert found[1] != expected, "bits that change nothing prove little"


def test_what_was_kept_is_measured(model: Any) -> None:
    asked = Sample(sample_id="s", question="two", images=tuple(tiny.pictures("two")))
    recipes = [parse(text) for text in ("controls/full", "cache/snapkv@40%", SHORT, f"cache/snapkv@40%+{SHORT}")]
    answers = sweep.answers_to(model, asked, recipes, limit=2)
    full, evicted, stored, both = (answers[recipe.text] for recipe in recipes)
    method, layers = Method(setting="2bit", group=8, residual=8), len(model.attention)
    for found, whole in ((stored, full), (both, evicted)):
        n = round(whole.cache_kept * full.prompt_tokens)
        of_a_head = method.stored_bytes(n, key_width=16, value_width=16, element=4)
        assert found.cache_bytes == layers * 2 * of_a_head < whole.cache_bytes
        assert found.cache_kept == whole.cache_kept
        assert found.bits_kept == found.cache_bytes / whole.cache_bytes
    assert full.bits_kept == evicted.bits_kept == 1


def test_heads_that_are_no_whole_groups_are_refused(model: Any) -> None:
    reason = refusal(type(model), model.model.config, parse("cache/kivi@4bit"))
    assert reason == "groups of 32 channels do not fill its heads, which are 16 wide; set group to a divisor of 16"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("@3bit", "no setting '3bit'; it takes 2bit or 4bit"),
        ("@40%", "no setting '40%'; it takes 2bit or 4bit"),
        ("@2bit:group=6,residual=12", "group=6 and residual=12; a group must be a multiple of 4"),
        ("@2bit:residual=40", "group=32 and residual=40; .* the residual one of the group"),
        ("@2bit:residual=0", "residual=0; it must be 4 or more"),
    ],
)
def test_wrong_settings_are_one_sentence(options: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(f"cache/kivi{options}")
