-- loyalty_by_rule: overall loyalty by each rule for when two answers are the same.
--
-- Grain:     one row per model, recipe, matching_rule, scope.
-- Unit:      share of samples, 0 to 1. Higher is better. Benchmarks count alike (loyalty_by_rule, the macro
--            mean), or samples do (micro).
-- Source:    EffiVLM-Bench, arXiv 2506.00479, which names no rule.
-- Departs:   matching_rule: raw (as they are), normalised (in one spelling) or extracted (what follows "the
--            answer is"). scope: all, or sensitive: benchmarks whose answers a cache method can change.
-- Reads:     loyalty.
-- Undefined: no row without controls/full; none of the scope sensitive without a sensitive benchmark.

with

ruled as (

    select
        model,
        recipe,
        benchmark,
        is_sensitive_to_cache,
        n_samples,
        unnest(['raw', 'normalised', 'extracted']) as matching_rule,
        unnest([n_same_raw, n_same, n_same_extracted]) as n_same
    from loyalty

),

scoped as (

    select
        ruled.*,
        'all' as scope
    from ruled
    union all
    select
        ruled.*,
        'sensitive' as scope
    from ruled
    where is_sensitive_to_cache

),

overall as (

    select
        model,
        recipe,
        matching_rule,
        scope,
        count(*) as n_benchmarks,
        cast(sum(n_samples) as bigint) as n_samples,
        round(avg(n_same / n_samples order by benchmark), 9) as loyalty_by_rule,
        round(sum(n_same) / sum(n_samples), 9) as micro
    from scoped
    group by all

)

select * from overall
order by model, recipe, matching_rule, scope
