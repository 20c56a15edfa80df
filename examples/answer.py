"""Ask one question with several recipes, and see what each kept: `python examples/answer.py`."""

import random

import leanvlm
from leanvlm.benchmarks import documents

page = documents.Benchmark().draw(random.Random(1))
picture, question = page.canvases[0].image, page.questions[0]

model = leanvlm.load("artifacts/models/embedded")  # or your own folder, or owner/name of the hub
print(f"{question.text} (right: {question.answers[0]})")

for recipe in ("controls/full", "tokens/fastv@40%", "cache/snapkv@20%", "controls/random_tokens@10%"):
    found = leanvlm.answer(model, [picture], question.text, recipe=recipe)
    tokens = f"{found.visual_tokens_kept:.0f} of {found.visual_tokens} visual tokens a layer"
    cache = f"{found.cache_bytes / found.full_cache_bytes:.0%} of the cache"
    print(f"{recipe:<28} {found.answer:<10} {tokens}, {cache}")
