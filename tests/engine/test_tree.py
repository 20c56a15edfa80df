"""What recipes share is drawn as it is done: once for all that show, read or keep the same."""

from __future__ import annotations

from leanvlm.engine.tree import count, lines, share
from leanvlm.recipes import parse

RECIPES = ("controls/full", "cache/kivi@4bit", "cache/snapkv@40%", "cache/kivi@4bit+cache/snapkv@40%")


def test_caches_that_are_evicted_alike_and_stored_otherwise_are_kept_apart() -> None:
    tree = share([parse(text) for text in RECIPES])
    assert count(tree) == {"image": 1, "tokens": 1, "cache": 4}
    assert list(lines(tree)) == [
        "show the picture: whole",
        "  read the prompt: whole",
        "    keep the cache: whole -> controls/full",
        "    keep the cache: cache/kivi@4bit -> cache/kivi@4bit",
        "    keep the cache: cache/snapkv@40% -> cache/snapkv@40%",
        "    keep the cache: cache/snapkv@40%+cache/kivi@4bit -> cache/snapkv@40%+cache/kivi@4bit",
    ]
