"""What judging can cost at most, before there are answers: every answer another one, as long as it may be, and open."""

from __future__ import annotations

from pathlib import Path

from leanvlm import files, judging
from leanvlm.judging._needed import every_answer
from leanvlm.judging._prices import dollars, most_tokens_in
from leanvlm.params.judges import Judge
from leanvlm.tables import samples

TOKENS_PER_TOKEN = 4  # of the judge's, for one of the answer's: vocabularies differ


def most(judge: Judge, root: Path, benchmark: str, *, max_new_tokens: int) -> tuple[int, float]:
    """Say how many calls, and how many dollars, one recipe's answers to a benchmark cost at most.

    Takes: max_new_tokens, those of an answer whose sample has no limit of its own.
    """
    path = root / files.samples(benchmark)
    limits = samples.TABLE.read(path, columns=["judge", "max_new_tokens"]).to_pylist()
    longest = max((row["max_new_tokens"] or max_new_tokens for row in limits if row["judge"]), default=0)
    n, spent = 0, 0.0
    for one in every_answer(root, benchmark) if longest else ():
        asking = judging.load(one.judge)
        tokens = most_tokens_in(judge, asking.messages(one.asked)) + TOKENS_PER_TOKEN * longest
        n, spent = n + 1, spent + dollars(judge, tokens, asking.MOST_TOKENS)
    return n, spent
