"""params.yaml with keys lost, other values, other bytes: read, or refused in one sentence."""

from __future__ import annotations

import copy
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from leanvlm import params
from tests.checkouts import ROOT
from tests.faults import refusal

TRIES = 300
ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 10**6, 10**30, -(10**30), 0.5, 1e300, float("nan"), float("inf"), -float("inf")),
    *("", " ", "a\nb", "\x85", "$(touch x)", "; touch x", "../..", "/etc", "--force", "nan", "1e10", "é" * 400, "{}"),
    *("controls/full", "cache/snapkv@10%", "weights/wanda@50%", "cache/h2o@1e400%", "a" * 999, "2:4", "+", "x@", ":"),
    *(
        [],
        {},
        [[]],
        [{}],
        {"": 1},
        {1: 2},
        {None: None},
        [1] * 500,
        ["a"] * 500,
        [5, 1],
        [0, 0],
        {"a": {"b": {"c": 1}}},
    ),
)
BYTES = (b"\xff", b"\x00", b"\t", b"\r", b"&a", b"*a", b"!!int", b"<<: ", b"%", b"---\n", b"- ", b"{", b"]", b'"', b"#")
BOMBS = (
    b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (i + 1, i + 1, b", ".join([b"*%c" % i] * 9)) for i in range(ord("a"), ord("a") + 25)
    ),
    b"grid: &g {models: &m [*m]}\n",
    b"a: &a {k: v}\nb: &b {<<: [*a, *a, *a]}\nc: {<<: [*b, *b]}\n",
    b"grid: " + b"[" * 100_000,
    b"grid: " + b"{a: " * 5000,
    b"grid: " + b"9" * 100_000,
    b"x" * 999_000,
    b"- " * 100_000,
    b"? " * 5000,
    b"grid: !!python/object/apply:os.system ['touch x']\n",
)


def containers(tree: Any) -> Iterator[dict[Any, Any] | list[Any]]:
    """Yield every block and list that is not empty."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for below in tree.values() if isinstance(tree, dict) else tree:
            yield from containers(below)


def mutated(tree: Any, rng: random.Random) -> bytes:
    """Change one to three places of a tree, and sometimes its bytes."""
    changed = copy.deepcopy(tree)
    for _ in range(rng.randint(1, 3)):
        place = rng.choice(list(containers(changed)))
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        action = rng.choice(("drop", "replace", "replace", "rename"))
        value = place.pop(key)
        if action == "drop":
            continue
        odd = copy.deepcopy(rng.choice(ODD))
        if isinstance(place, list):
            place.insert(key, odd)
        elif action == "replace":
            place[key] = odd
        elif isinstance(odd, str | int | float | None):
            place[odd] = value
    text = io.StringIO()
    YAML(typ="safe").dump(changed, text)
    content = text.getvalue().encode()
    for _ in range(rng.choice((0, 0, 1, 2))):
        at = rng.randrange(len(content) + 1)
        content = content[:at] + rng.choice(BYTES) + content[at + rng.randint(0, 2) :]
    return content


def test_it_is_read_or_refused(rng: random.Random, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(mutated(YAML(typ="safe").load(ROOT / "params.yaml"), rng))
    refusal(lambda: params.load(path))


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:20])
def test_bombs_are_refused(bomb: bytes, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    for before in (b"", (ROOT / "params.yaml").read_bytes() + b"more: 1\n"):
        path.write_bytes(before + bomb)
        assert refusal(lambda: params.load(path))
