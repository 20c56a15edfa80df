"""A benchmark's card: where its data lie, what is asked, how it is graded, and how two harnesses differ in that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from textwrap import fill
from typing import TYPE_CHECKING, Any

from leanvlm import plugins
from leanvlm.grading import published
from leanvlm.printing import FORMATS

if TYPE_CHECKING:
    from leanvlm.benchmarks._harness import Harness
    from leanvlm.benchmarks._public import PublicBenchmark

PUBLISHED = "grading/published"
WIDTH = 120  # signs of a line


def show(name: str, form: str) -> None:
    """Print the card of one benchmark.

    Raises: InputError for a name without a file.
    """
    rows = list(_rows(name))
    if form != "table":
        print(FORMATS[form](["item", "says"], rows))
        return
    for item, says in rows:
        print("\n".join(_lines(item, says)))


def _rows(name: str) -> Iterator[tuple[str, str]]:
    built: Any = plugins.load("benchmarks", name)()
    yield name, plugins.description("benchmarks", name)
    for word in ("Source", "Grading", "Prompts", "Knobs"):
        if said := plugins.paragraph("benchmarks", name, word):
            yield word.lower(), said
    options = [f"{one.name}: {getattr(built, one.name)!r}" for one in fields(built)]
    yield "options", "; ".join(options) or "none"
    if hasattr(built, "harness"):
        yield from _public(built)


def _public(built: PublicBenchmark) -> Iterator[tuple[str, str]]:
    """Say what only a public benchmark has."""
    yield "splits", "; ".join(f"{split.name}: {split.rows:,} rows in {split.pattern}" for split in built.splits)
    if built.unanswered:
        yield "no answers", f"{', '.join(built.unanswered)}: not public"
    yield "fetch", built.hub_set.command(tuple(split.pattern for split in built.read_splits))
    yield "prompt", built.prompt
    if built.open_prompt:
        yield "open prompt", built.open_prompt
    yield "paper", _harness("paper", built.paper)
    yield "today", _harness("today", built.today)
    yield "difference", _difference(built)
    if built.name in plugins.ids(PUBLISHED):
        yield "their rule", f"leanvlm/{PUBLISHED}/{built.name}.py: {plugins.description(PUBLISHED, built.name)}"
        yield "its quirks", plugins.paragraph(PUBLISHED, built.name, "Quirks")
    yield "their sum", built.aggregate
    if built.judge:
        yield "judge", built.judge


def _harness(name: str, harness: Harness) -> str:
    from leanvlm.benchmarks._harness import MAX_PIXELS

    ends = ", ".join(map(repr, harness.stop_texts)) or "nothing but its end"
    pixels = f"{MAX_PIXELS[name]:,} pixels a picture with Qwen2-VL (`max_pixels` of a model)"
    return f"{harness.max_new_tokens:,} new tokens at most; {ends} ends an answer; {pixels}"


def _difference(built: PublicBenchmark) -> str:
    """Say how the harnesses differ beside pixels, which are no matter of a benchmark."""
    found = []
    if built.paper.max_new_tokens != built.today.max_new_tokens:
        found.append(f"new tokens, {built.paper.max_new_tokens:,} and {built.today.max_new_tokens:,}")
    if built.paper.stop_texts != built.today.stop_texts:
        found.append("what ends an answer")
    if built.name in published.ids() and not _is_one_rule(built.name):
        found.append("the rule")
    return "; ".join(found) or "none beside the pixels: the same prompt, limits and rule"


def _is_one_rule(name: str) -> bool:
    paper, today = (published.load(f"{harness}/{name}") for harness in published.HARNESSES)
    return paper is today


def _lines(item: str, says: str) -> Iterator[str]:
    """Wrap one item, its name in front; lines of a prompt stay lines."""
    indent = " " * 12
    for index, line in enumerate(says.split("\n")):
        first = indent if index else f"{item:<12}"
        yield fill(line, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
