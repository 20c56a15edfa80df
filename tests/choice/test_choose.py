"""Choosing: hand-made candidates, whose right choice can be read off."""

from __future__ import annotations

import math

import pytest

from leanvlm.choice import demands
from leanvlm.choice.candidates import Candidate, Measured
from leanvlm.choice.choose import choose
from leanvlm.choice.demands import Demand
from leanvlm.errors import InputError


def candidate(recipe: str, **measured: float | tuple[float, float, float]) -> Candidate:
    numbers = {
        name: Measured(*number) if isinstance(number, tuple) else Measured(number) for name, number in measured.items()
    }
    return Candidate(recipe, "tokens", None, numbers)


SLOW = candidate("slow", prefill=(1.2, 1.1, 1.3), op=(0.99, 0.98, 1.0), documents=0.99, memory=0.9)
FAST = candidate("fast", prefill=(2.0, 1.9, 2.1), op=(0.97, 0.94, 0.99), documents=0.90, memory=0.8)
WILD = candidate("wild", prefill=(3.0, 2.9, 3.1), op=(0.60, 0.55, 0.65), documents=0.10, memory=0.5)
ALL = [SLOW, FAST, WILD]


def names(choice_of: tuple[Candidate, ...]) -> list[str]:
    return [one.recipe for one in choice_of]


def test_without_demands_the_fastest_is_chosen() -> None:
    assert names(choose(ALL, [], by="prefill").qualified) == ["wild", "fast", "slow"]


def test_the_fastest_that_keeps_enough_is_chosen() -> None:
    choice = choose(ALL, [Demand("op", 0.95)], by="prefill")
    assert names(choice.qualified) == ["fast", "slow"]
    [missed] = choice.missed
    assert (missed.candidate.recipe, missed.reason) == ("wild", "op 0.600 (0.550 to 0.650) is below 0.950")
    assert math.isclose(missed.shortfall, 0.35 / 0.95)


def test_sure_asks_the_lower_end_of_the_interval() -> None:
    choice = choose(ALL, [Demand("op", 0.95)], by="prefill", is_sure=True)
    assert names(choice.qualified) == ["slow"]
    assert choice.missed[0].reason == "op 0.970 (0.940 to 0.990) is not surely at least 0.950"


def test_sure_leaves_bytes_alone_and_refuses_a_number_without_interval() -> None:
    assert names(choose(ALL, [Demand("memory", 0.6)], by="prefill", is_sure=True).qualified) == ["wild"]
    missed = choose([FAST], [Demand("documents", 0.5)], by="prefill", is_sure=True).missed
    assert missed[0].reason == "documents has no interval"


def test_memory_is_a_most_and_all_else_a_least() -> None:
    assert names(choose(ALL, [Demand("memory", 0.8)], by="prefill").qualified) == ["wild", "fast"]
    assert choose([SLOW], [Demand("memory", 0.8)], by="prefill").missed[0].reason == "memory 0.900 is above 0.800"
    assert names(choose(ALL, [], by="memory").qualified) == ["wild", "fast", "slow"]


def test_a_number_on_the_bound_meets_it() -> None:
    demanded = [Demand("op", 0.97), Demand("prefill", 2.0), Demand("memory", 0.8)]
    assert choose([FAST], demanded, by="prefill").best is FAST


def test_the_reason_is_the_demand_that_is_missed_by_most() -> None:
    # documents is 0.10 of 0.80, op 0.60 of 0.90
    [missed] = choose([WILD], [Demand("op", 0.9), Demand("documents", 0.8)], by="prefill").missed
    assert missed.reason == "documents 0.100 is below 0.800"


def test_the_closest_comes_first_and_what_was_not_measured_last() -> None:
    unknown = candidate("unknown", prefill=9.0)
    choice = choose([unknown, WILD, FAST], [Demand("op", 0.99)], by="prefill")
    assert choice.best is None
    assert [missed.candidate.recipe for missed in choice.missed] == ["fast", "wild", "unknown"]
    assert choice.missed[-1].reason == "op was not measured"


def test_a_recipe_without_the_number_to_choose_by_does_not_qualify() -> None:
    choice = choose([candidate("untimed", op=1.0)], [Demand("op", 0.9)], by="prefill")
    assert (choice.best, choice.missed[0].reason) == (None, "prefill was not measured")


def test_recipes_within_the_error_of_the_choice_are_ties() -> None:
    near = candidate("near", prefill=(2.9, 2.8, 2.95), op=0.5)
    far = candidate("far", prefill=(2.8, 2.7, 2.85), op=0.5)
    assert names(choose([far, near, WILD], [], by="prefill").ties) == ["near"]


def test_equal_numbers_are_ties_in_the_order_of_their_names() -> None:
    choice = choose([candidate("b", prefill=2.0), candidate("a", prefill=2.0)], [], by="prefill")
    assert (names(choice.qualified), names(choice.ties)) == (["a", "b"], ["b"])


def test_one_can_choose_by_what_is_kept_at_a_speed() -> None:
    fastest = {speedup: choose(ALL, [Demand("prefill", speedup)], by="documents").best for speedup in (1.5, 2.5, 4.0)}
    assert fastest == {1.5: FAST, 2.5: WILD, 4.0: None}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (demands.kept("op=0.97", []), Demand("op", 0.97)),
        (demands.kept("ol=90%", []), Demand("ol", 0.9)),
        (demands.kept("documents=.5", ["documents"]), Demand("documents", 0.5)),
        (demands.speedup("ttft=2"), Demand("prefill", 2.0)),
        (demands.speedup("tpot=1.5x"), Demand("decode", 1.5)),
        (demands.speedup("end_to_end=1.1"), Demand("total", 1.1)),
        (demands.memory("4GB"), Demand("memory_bytes", 4e9)),
        (demands.memory("1.5 GiB"), Demand("memory_bytes", 1.5 * 2**30)),
        (demands.memory("800b"), Demand("memory_bytes", 800.0)),
        (demands.memory("40%"), Demand("memory", 0.4)),
    ],
)
def test_demands_are_read_as_written(found: Demand, wanted: Demand) -> None:
    assert found == wanted


@pytest.mark.parametrize(
    "text", ["op", "op=", "op=high", "op=0", "op=97", "op=-1", "opp=0.9", "op=0.9=", "=0.9", "op=nan"]
)
def test_a_share_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read; .* the names are op, ol, documents$"):
        demands.kept(text, ["documents"])


@pytest.mark.parametrize("text", ["ttft", "ttft=0", "ttft=fast", "speed=2", "ttft=inf"])
def test_a_speed_up_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"the phases are ttft, tpot, end_to_end, prefill, decode, total$"):
        demands.speedup(text)


@pytest.mark.parametrize("text", ["", "4", "GB", "4 pounds", "-1GB", "0%", "infGB"])
def test_a_memory_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"as in 4GB or 512MiB, or a share, as in 40%$"):
        demands.memory(text)


def test_speed_is_not_demanded_of_what_cannot_be_faster() -> None:
    dense = Candidate(
        "dense", "weights", None, {"prefill": Measured(1.3, 1.2, 1.4), "op": Measured(1.0)}, "it is dense"
    )
    [missed] = choose([dense], [Demand("op", 0.9), Demand("prefill", 1.1)], by="prefill").missed
    assert (missed.reason, missed.shortfall) == ("it is dense", math.inf)
    assert choose([dense], [Demand("op", 0.9), Demand("prefill", 1.0)], by="prefill").best is dense
