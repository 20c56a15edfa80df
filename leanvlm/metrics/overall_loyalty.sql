-- overall_loyalty: OL, the share of samples to which a recipe answers as the full model does.
--
-- Grain:     one row per model, recipe, scope.
-- Unit:      share of samples, 0 to 1. Higher is better. low and high: 95 % interval. Benchmarks count alike,
--            or samples do (overall_loyalty_micro). scope: all benchmarks, or sensitive: those whose answers
--            a cache method can change.
-- Source:    EffiVLM-Bench, arXiv 2506.00479.
-- Departs:   the paper does not say when two answers are the same: here in one spelling; as they are (raw)
--            and the extracted answer are beside it. loyalty_by_rule has the formula and every rule's
--            interval.
-- Reads:     loyalty_by_rule.
-- Undefined: no row without controls/full, or of the scope sensitive without a sensitive benchmark.

select
    model,
    recipe,
    scope,
    any_value(n_samples) as n_samples,
    any_value(n_benchmarks) as n_benchmarks,
    any_value(loyalty_by_rule) filter (where matching_rule = 'normalised') as overall_loyalty,
    any_value(low) filter (where matching_rule = 'normalised') as low,
    any_value(high) filter (where matching_rule = 'normalised') as high,
    any_value(loyalty_by_rule) filter (where matching_rule = 'raw') as overall_loyalty_raw,
    any_value(loyalty_by_rule) filter (where matching_rule = 'extracted') as overall_loyalty_extracted,
    any_value(micro) filter (where matching_rule = 'normalised') as overall_loyalty_micro
from loyalty_by_rule
group by all
order by model, recipe, scope
