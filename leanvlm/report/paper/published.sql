-- published: what each recipe reaches by the rules of the benchmarks' owners.
--
-- Grain: one row per model, recipe, benchmark that names such a rule.
-- Reads: published_score.

select
    model,
    recipe,
    benchmark,
    n_samples,
    n_ungraded,
    published_score,
    low,
    high
from published_score
order by model, benchmark, recipe != 'controls/full', recipe
