"""Decoding jointly says what decoding row by row says, and takes few operations; on a CPU, CUDA not being at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from transformers import masking_utils
from transformers.cache_utils import DynamicLayer

from leanvlm import plugins
from leanvlm.engine import laying, sweep
from leanvlm.engine.decode import decode as decode_module
from leanvlm.engine.decode import joint, joint_cache, launch, memory
from leanvlm.engine.decode.decode import Way, decode
from leanvlm.engine.decode.joint import JointRows
from leanvlm.engine.decode.rows import SingleRows
from leanvlm.engine.decode.steps import Chosen, DecodeStart
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.models._loading import load_model
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.roundings import alike

CACHE = [name for name in plugins.ids("methods") if issubclass(plugins.load("methods", name), CacheMethod)]
INSIDE = ("tokens/fastv@30%", "tokens/sparsevlm@30%", "tokens/fastv@30%+cache/pyramidkv@30%")  # layers of a row differ
VIEWS = frozenset(  # that launch nothing on a GPU
    ("view", "t", "transpose", "slice", "unsqueeze", "expand", "select", "split_with_sizes", "reshape", "to",
     "resolve_conj", "resolve_neg", "detach_", "lift_fresh")
)  # fmt: skip
UNEVEN_AND_STORED = "cache/adakv@40%+cache/kivi@2bit:group=8,residual=8"
LAYERS, ROWS = 28, 8


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


def starts(model: Any, recipes: list[str], prompts: tuple[str, ...] = tiny.PROMPTS) -> list[DecodeStart]:
    found = []
    for text in recipes:
        for prompt in prompts:
            recipe = parse(text)
            inputs = model.inputs(tiny.pictures(prompt), prompt)
            entering = run_vision(model, {name: value.to(model.model.device) for name, value in inputs.items()})
            read = read_prompt(model, entering, recipe.part("tokens"), "s", [recipe])
            kept = keep_cache(recipe, read, "s")
            found.append(DecodeStart(kept.cache, read.logits, read.next_position))
    return found


def followed(
    model: Any, recipes: list[str], way: Way, rows: int, prompts: tuple[str, ...] = tiny.PROMPTS
) -> tuple[list[list[int]], list[Tensor]]:
    """Decode and return the tokens, and the logits of each step."""
    seen: list[Tensor] = []
    handle = model.head.register_forward_hook(lambda *called: seen.append(called[2]))
    begun = starts(model, recipes, prompts)
    seen.clear()
    answers = decode(model, begun, stops=frozenset(), limit=12, rows=rows, way=way)
    handle.remove()
    return tokens(answers), seen


def tokens(answers: list[list[Chosen]]) -> list[list[int]]:
    return [[one.token for one in answer] for answer in answers]


def test_tokens_and_logits_are_those_of_row_by_row(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cache recipes, and recipes that leave each layer another length, side by side."""
    monkeypatch.setattr(joint_cache, "BLOCK", 16)  # so that columns are added on the way
    recipes = ["controls/full", *(f"{name}@{budget}" for name in CACHE for budget in ("5%", "40%"))]
    recipes += [text for text in INSIDE if refusal(type(model), model.model.config, parse(text)) is None]
    rows = len(recipes) * len(tiny.PROMPTS) + 3  # some stay free
    ours, our_logits = followed(model, recipes, JointRows, rows)
    theirs, their_logits = followed(model, recipes, SingleRows, rows)
    assert ours == theirs
    n = rows - 3
    for one, other in zip(our_logits, their_logits, strict=True):
        assert torch.allclose(one[:n], other[:n], atol=1e-4)
        assert not one.isnan().any()


def test_slots_are_filled_again(model: Any) -> None:
    """Five slots for fourteen answers, some of which end early; a free row disturbs nobody."""
    recipes = ["controls/full", "cache/streaming@20%", "cache/pyramidkv@10%", "cache/lookm@60%", "cache/snapkv@30%"]
    prompts = ("none", *tiny.PROMPTS)
    alone = followed(model, recipes, SingleRows, 1, prompts)[0]
    stops = frozenset(answer[4] for answer in alone[::3])
    expected = [until(answer, stops) for answer in alone]
    assert len({len(answer) for answer in expected}) > 1
    found = decode(model, starts(model, recipes, prompts), stops=stops, limit=12, rows=5, way=JointRows)
    assert tokens(found) == expected


def until(answer: list[int], stops: frozenset[int]) -> list[int]:
    ends = [place for place, token in enumerate(answer) if token in stops]
    return answer[: ends[0] + 1] if ends else answer


def test_a_sweep_says_the_same_both_ways(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [parse(text) for text in ("controls/full", "controls/rebatched", "cache/vlcache@20%")]
    asked = [Sample(sample_id=name, question=name, images=tuple(tiny.pictures(name))) for name in tiny.PROMPTS]
    found = list(sweep.answer_all(model, asked, recipes, limit=8))
    monkeypatch.setitem(decode_module.WAYS, "cpu", JointRows)
    again = list(sweep.answer_all(model, asked, recipes, limit=8, rows=64))
    for (*key, one), (*other_key, other) in zip(again, found, strict=True):
        assert key == other_key
        assert alike(one, other)


def test_free_memory_says_how_many_rows_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cpu")
    for free, n in ((0, 1), (11, 2), (99, 32), (133, 64), (10**9, 64), (10**9, 64)):
        monkeypatch.setattr(memory, "available_bytes", lambda _, free=free: free)
        assert memory.rows_that_fit(1, device, most=64) == n
    assert memory.rows_that_fit(1, device, most=12) == 12, "what was asked for, if it fits"


def test_a_far_longer_answer_waits_for_a_cache_of_fewer_rows(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short answers fill eight rows; memory has no room to make all of them as long as one that comes after."""
    monkeypatch.setattr(joint_cache, "BLOCK", 16)
    recipes = ["cache/streaming@5%"] * 4 + ["controls/full", "cache/snapkv@5%"]
    prompts = ("none" if model.crosses else "one",)  # beside what is held of pictures outside the prompt, all are short
    monkeypatch.setitem(model.prompts, "none", {"input_ids": tiny.words(60, seed=1)})
    begun = starts(model, recipes, prompts)
    longest = max(memory.cache_bytes(start.cache) for start in begun)
    for module in (joint, memory):
        monkeypatch.setattr(module, "available_bytes", lambda _: 5 * longest)
    made: list[int] = []
    batch = joint._Batch
    monkeypatch.setattr(joint, "_Batch", lambda *args: (made.append(args[2]), batch(*args))[1])
    expected = decode(model, starts(model, recipes, prompts), stops=frozenset(), limit=12, way=SingleRows)
    assert tokens(decode(model, begun, stops=frozenset(), limit=12, rows=8, way=JointRows)) == tokens(expected)
    assert len(made) == 2
    assert made[0] > made[1]


def test_an_answer_of_nan_leaves_nothing_behind(model: Any) -> None:
    first, short, again = (starts(model, [text], ("one",)) for text in ("controls/full", *["cache/streaming@10%"] * 2))
    for layer in first[0].cache.layers:
        if isinstance(layer, DynamicLayer):
            assert layer.values is not None
            layer.values = layer.values * float("nan")
    together = decode(model, [*first, *short], stops=frozenset(), limit=6, rows=1, way=JointRows)
    assert tokens(together)[1:] == tokens(decode(model, again, stops=frozenset(), limit=6, way=SingleRows))


class Count(TorchDispatchMode):
    """Count operations by name, besides those that launch nothing."""

    def __init__(self, besides: frozenset[str] = VIEWS) -> None:
        super().__init__()
        self.besides = besides
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.__name__.split(".")[0]
        self.names[name] += name not in self.besides
        return function(*args, **(kwargs or {}))


class Traced:
    """Stand for a CUDA graph on a CPU: what ran while it was captured runs again, and nothing else does."""

    def __init__(self, call: Callable[[], Tensor]) -> None:
        self.call = call
        self.graph: Any = None

    def __call__(self) -> Tensor:
        with _disable_current_modes():
            if self.graph is None:
                self.graph = make_fx(lambda: self._first())()  # runs what it traces
                return self.result
            return self.graph()  # type: ignore[no-any-return]

    def _first(self) -> Tensor:
        self.result = self.call()
        return self.result


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint, "is_capturable", lambda _: True)
    monkeypatch.setattr(joint, "Replayed", Traced)
    monkeypatch.setattr(masking_utils, "is_tracing", lambda *_: True)  # so does transformers think of a capture


def test_a_step_can_be_replayed(model: Any, traced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but tensors that stay where they are says what a step does, and rows come and go between replays."""
    monkeypatch.setattr(joint_cache, "BLOCK", 64)
    recipes = ["controls/full", "cache/pyramidkv@20%", "cache/lookm@20%", UNEVEN_AND_STORED]
    expected = followed(model, recipes, SingleRows, 8)[0]
    assert followed(model, recipes, JointRows, 8)[0] == expected
    assert followed(model, recipes, JointRows, 4)[0] == expected


def test_a_step_asks_the_device_for_no_number_and_hands_it_none(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could not be captured."""
    seen: Counter[str] = Counter()
    step = joint._Batch.step

    def counted(batch: Any) -> Tensor:
        with Count(besides=frozenset()) as own:
            found = step(batch)
        seen.update(own.names)
        return found

    monkeypatch.setattr(joint._Batch, "step", counted)
    decode(model, starts(model, ["controls/full"]), stops=frozenset(), limit=3, way=JointRows)
    assert seen["argmax"] == 2
    assert not {"item", "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "lift_fresh"} & set(seen)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_captured_step_says_what_it_says_on_a_cpu(model: Any) -> None:
    recipes = ["controls/full", "cache/pyramidkv@20%", "cache/lookm@20%", UNEVEN_AND_STORED]
    expected = followed(model, recipes, SingleRows, 8)[0]
    model.model.cuda()
    try:
        assert launch.is_capturable(model)
        assert followed(model, recipes, JointRows, 8)[0] == expected
        assert followed(model, recipes, JointRows, 4)[0] == expected
    finally:
        model.model.cpu()


@contextmanager
def deep() -> Iterator[Any]:
    """A model with as many layers as a 7B has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny.TEXT, "num_hidden_layers", LAYERS)
        yield tiny.build("qwen2_vl")


def operations(run: Callable[[int], object]) -> int:
    """Count the operations of one step: what an answer of one more token takes."""
    counts = []
    for limit in (4, 5):
        with Count() as counted:
            run(limit)
        counts.append(counted.names.total())
    return counts[1] - counts[0]


def operations_of_a_step(model: Any, way: Way, rows: int) -> int:
    return operations(
        lambda limit: decode(
            model, starts(model, ["controls/full"], ("one",) * rows), stops=frozenset(), limit=limit, rows=rows, way=way
        )
    )


@torch.inference_mode()
def operations_of_generate(model: Any) -> int:
    inputs = model.inputs(tiny.pictures("one"), "one")
    return operations(lambda limit: model.model.generate(**inputs, max_new_tokens=limit, do_sample=False))


def test_a_step_takes_no_more_operations_than_generate_whatever_the_number_of_rows() -> None:
    """1,033 for one row and for eight, where row by row takes 1,654 and transformers' `generate` 1,048 for one."""
    with deep() as model:
        one, joint = (operations_of_a_step(model, JointRows, rows) for rows in (1, ROWS))
        apart, generate = operations_of_a_step(model, SingleRows, ROWS), operations_of_generate(model)
    assert one == joint <= generate < apart


def test_a_step_is_launched_as_one(traced: None) -> None:
    """What is left to the host is far below 400 operations: the launch is not counted, nor is reading the tokens."""
    with deep() as model:
        assert operations_of_a_step(model, JointRows, ROWS) < 10


def test_a_device_that_no_way_of_decoding_is_for_is_refused(random_checkpoint: Path) -> None:
    with pytest.raises(InputError, match=r"no device 'mps'; choose cpu or cuda"):
        load_model("llava_onevision", random_checkpoint, device="mps")
    assert set(decode_module.WAYS) == set(laying.LAYING) == {"cpu", "cuda"}
