-- accuracy_kept: the share of the full model's accuracy that a recipe keeps.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      ratio, 1.0 = the full model. Higher is better. low and high: 95 % interval, paired over
--            samples.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio inside overall performance.
-- Reads:     steps.kept.
-- Undefined: null where the full model's mean grade is 0; no row without controls/full.

select
    model,
    recipe,
    benchmark,
    any_value(n_samples) filter (where replicate = 0) as n_samples,
    point(accuracy_kept, replicate) as accuracy_kept,
    low(accuracy_kept, replicate) as low,
    high(accuracy_kept, replicate) as high
from steps.kept
group by all
order by model, recipe, benchmark
