-- loyalty_by_rule: overall loyalty by each rule for when two answers are the same.
--
-- Grain:     one row per model, recipe, matching_rule, scope.
-- Unit:      share of samples, 0 to 1. Higher is better. Benchmarks count alike (loyalty_by_rule, the macro
--            mean, with its 95 % interval low to high), or samples do (micro).
-- Source:    EffiVLM-Bench, arXiv 2506.00479, which names no rule.
-- Departs:   matching_rule: raw (as they are), normalised (in one spelling) or extracted (what follows "the
--            answer is"). scope: all, or sensitive: benchmarks whose answers a cache method can change.
-- Reads:     steps.loyalty.
-- Undefined: no row without controls/full; none of the scope sensitive without a sensitive benchmark.

with

means as (

    select
        model,
        recipe,
        matching_rule,
        scope,
        replicate,
        count(*) as n_benchmarks,
        sum(n_samples) as n_samples,
        avg(loyalty order by benchmark) as loyalty,
        sum(n_same) / sum(n_samples) as micro
    from steps.loyalty
    group by all

)

select
    model,
    recipe,
    matching_rule,
    scope,
    any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
    cast(any_value(n_samples) filter (where replicate = 0) as bigint) as n_samples,
    point(loyalty, replicate) as loyalty_by_rule,
    low(loyalty, replicate) as low,
    high(loyalty, replicate) as high,
    point(micro, replicate) as micro
from means
group by all
order by model, recipe, matching_rule, scope
