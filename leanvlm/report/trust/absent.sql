-- absent: how often a recipe answers as if something were in the picture that is not.
--
-- Grain:     one row per model, recipe, benchmark, kind that asks about what is not there.
-- Unit:      shares; low and high: 95 % intervals; difference: from controls/full.
-- Reads:     hallucination.
-- Undefined: as in leanvlm/metrics/hallucination.sql.

select
    model,
    recipe,
    benchmark,
    kind,
    n_absent,
    hallucination,
    low,
    high,
    difference,
    difference_low,
    difference_high,
    accuracy,
    f1,
    yes_share
from hallucination
where n_absent > 0
order by model, benchmark, recipe != 'controls/full', recipe, kind != 'all', kind
