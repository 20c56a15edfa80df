-- loyalty: the share of a cell's samples to which a recipe answers as the full model does.
--
-- Grain:     one row per model, recipe, benchmark, matching_rule.
-- Unit:      share of samples, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the share inside overall loyalty.
-- Departs:   the paper does not say when two answers are the same. matching_rule: raw (as they are),
--            normalised (in one spelling) or extracted (what follows "the answer is").
-- Reads:     steps.loyalty.
-- Undefined: no row without controls/full.

select
    model,
    recipe,
    benchmark,
    matching_rule,
    any_value(n_samples) filter (where replicate = 0) as n_samples,
    any_value(n_same) filter (where replicate = 0) as n_same,
    point(loyalty, replicate) as loyalty,
    low(loyalty, replicate) as low,
    high(loyalty, replicate) as high
from steps.loyalty
where scope = 'all'
group by all
order by model, recipe, benchmark, matching_rule
