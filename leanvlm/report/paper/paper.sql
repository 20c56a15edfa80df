-- paper: each cell beside the number that EffiVLM-Bench printed for it.
--
-- Grain: one row per model, recipe, benchmark that has such a number.
-- Reads: paper_difference.

select
    model,
    recipe,
    benchmark,
    n_samples,
    published_score,
    printed_score,
    paper_difference,
    low,
    high,
    verdict,
    drift
from paper_difference
order by model, recipe != 'controls/full', recipe, benchmark
