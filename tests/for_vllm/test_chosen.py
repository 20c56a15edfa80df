"""Which recipes vLLM can serve, and the sentence for each that it cannot; vLLM is not asked."""

from __future__ import annotations

import pytest

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.for_vllm.chosen import VARIABLE, chosen
from leanvlm.methods._tokens import EntranceMethod, VideoMethod


@pytest.mark.parametrize("text", [None, "", "controls/full"])
def test_nothing_is_chosen_where_nothing_is_named(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(VARIABLE, text)
    assert chosen() is None


ENTRANCE = [
    name
    for name in plugins.ids("methods")
    if issubclass(kind := plugins.load("methods", name), EntranceMethod) and not issubclass(kind, VideoMethod)
]


@pytest.mark.parametrize("method", ENTRANCE)
def test_every_method_before_the_decoder_can_be_chosen(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{method}@25%" + (":relevance=none" if method == "tokens/cdpruner" else ""))
    found = chosen()
    assert found is not None
    assert [found.n_kept(n) for n in (1, 3, 4, 456)] == [1, 1, 1, 114]  # a quarter, rounded down, one at least


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens/fastv@25%", r"cannot serve tokens/fastv@25%: it drops tokens between two decoder layers"),
        ("cache/snapkv@10%", r"vLLM keeps a request's cache in pages of its own"),
        ("weights/gptq@w4a16-g128", r"is a checkpoint: let vLLM serve its folder"),
        ("controls/blind", r"it changes the picture before any server sees it"),
        ("controls/rebatched", r"how answers are batched, which vLLM decides$"),
        ("tokens/tome@25%+cache/snapkv@10%", r"it joins several; name one"),
        ("tokens/evs@25%", r"it chooses among the frames of a video, and the plug-in serves pictures"),
        ("tokens/cdpruner@25%", r"it reads the question, and vLLM shows the tower's output no words"),
        ("tokens/tom@25%", r"no method 'tokens/tom' \(perhaps tokens/tome\)"),
    ],
)
def test_what_vllm_cannot_serve_is_one_sentence(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InputError, match=said):
        chosen()
