"""Picture files with bytes changed, lost or added: shown, or refused in a sentence that names the sample."""

from __future__ import annotations

import random

from leanvlm.sample import Sample
from tests.faults import refusal
from tests.faults.damage import damaged
from tests.test_pictures import FILES, SHOWN, saved

TRIES = 300


def test_it_is_shown_or_refused(rng: random.Random) -> None:
    form = rng.choice(list(FILES))
    content = damaged(saved(SHOWN[rng.choice(FILES[form])], form), rng)
    sample = Sample(sample_id="s-7", question="?", images=(content,))
    for ask in (sample.pictures, sample.encoded):
        said = refusal(ask)
        assert said is None or "sample 's-7'" in said
    if said is None:
        assert sample.pictures()[0].mode == "RGB"
