-- overall_loyalty: OL, the share of samples to which a recipe answers as the full model does.
--
-- Grain:     one row per model, recipe.
-- Unit:      share of samples, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479.
-- Departs:   the paper does not say when two answers are the same. Three rules: as they are (raw), in one
--            spelling (the column overall_loyalty, and all that has no other name), and the extracted
--            answer. Benchmarks count alike (macro), or samples do (micro); sensitive: only benchmarks whose
--            answers a cache method can change. Every rule in every scope: loyalty_by_rule.
-- Reads:     loyalty, _loyalty_bootstrap.
-- Undefined: no row without controls/full; sensitive is null without a sensitive benchmark.

with

overall as (

    select
        model,
        recipe,
        cast(sum(n_samples) as bigint) as n_samples,
        count(*) as n_benchmarks,
        avg(n_same / n_samples order by benchmark) as overall_loyalty,
        avg(n_same_raw / n_samples order by benchmark) as overall_loyalty_raw,
        avg(n_same_extracted / n_samples order by benchmark) as overall_loyalty_extracted,
        sum(n_same) / sum(n_samples) as overall_loyalty_micro,
        avg(case when is_sensitive_to_cache then n_same / n_samples end order by benchmark)
            as overall_loyalty_sensitive
    from loyalty
    group by all

),

replicates as (

    select
        loyalty.model,
        loyalty.recipe,
        _loyalty_bootstrap.replicate,
        avg(_loyalty_bootstrap.loyalty order by loyalty.benchmark) as overall_loyalty,
        avg(
            case when loyalty.is_sensitive_to_cache then _loyalty_bootstrap.loyalty end
            order by loyalty.benchmark
        ) as overall_loyalty_sensitive
    from loyalty
    inner join _loyalty_bootstrap
        on
            loyalty.model = _loyalty_bootstrap.model
            and loyalty.recipe = _loyalty_bootstrap.recipe
            and loyalty.benchmark = _loyalty_bootstrap.benchmark
    group by all

),

intervals as (

    select
        model,
        recipe,
        quantile_cont(overall_loyalty, 0.025) as low,
        quantile_cont(overall_loyalty, 0.975) as high,
        quantile_cont(overall_loyalty_sensitive, 0.025) as low_sensitive,
        quantile_cont(overall_loyalty_sensitive, 0.975) as high_sensitive
    from replicates
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        overall.n_samples,
        overall.n_benchmarks,
        round(overall.overall_loyalty, 9) as overall_loyalty,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high,
        round(overall.overall_loyalty_raw, 9) as overall_loyalty_raw,
        round(overall.overall_loyalty_extracted, 9) as overall_loyalty_extracted,
        round(overall.overall_loyalty_micro, 9) as overall_loyalty_micro,
        round(overall.overall_loyalty_sensitive, 9) as overall_loyalty_sensitive,
        round(intervals.low_sensitive, 9) as low_sensitive,
        round(intervals.high_sensitive, 9) as high_sensitive
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
