-- overall_loyalty: OL, the share of samples to which a recipe answers as the full model does.
--
-- Grain:     one row per model, recipe.
-- Unit:      share of samples, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479.
-- Departs:   the paper does not say when two answers are the same. Three rules: as they are (raw), in one
--            spelling (the column overall_loyalty, and all that has no other name), and the extracted
--            answer. Benchmarks count alike (macro), or samples do (micro); sensitive: only benchmarks whose
--            answers a cache method can change.
-- Reads:     answers, cells, _resamples.
-- Undefined: no row without controls/full; sensitive is null without a sensitive benchmark.

with

said as materialized (

    select
        model,
        recipe,
        benchmark,
        sample_id,
        answer,
        normalised(answer) as normalised_answer,
        extracted(answer) as extracted_answer
    from answers

),

pairs as materialized (

    select
        said.model,
        said.recipe,
        said.benchmark,
        said.sample_id,
        cast(said.answer = full_said.answer as integer) as is_same_raw,
        cast(said.normalised_answer = full_said.normalised_answer as integer) as is_same,
        cast(said.extracted_answer = full_said.extracted_answer as integer) as is_same_extracted
    from said
    inner join said as full_said
        on
            said.model = full_said.model
            and said.benchmark = full_said.benchmark
            and said.sample_id = full_said.sample_id
    where full_said.recipe = 'controls/full'

),

shares as (

    select
        pairs.model,
        pairs.recipe,
        pairs.benchmark,
        count(*) as n_samples,
        sum(pairs.is_same) as n_same,
        sum(pairs.is_same) / count(*) as loyalty,
        sum(pairs.is_same_raw) / count(*) as loyalty_raw,
        sum(pairs.is_same_extracted) / count(*) as loyalty_extracted,
        coalesce(bool_or(cells.is_sensitive_to_cache), false) as is_sensitive_to_cache
    from pairs
    left join cells
        on
            pairs.model = cells.model
            and pairs.recipe = cells.recipe
            and pairs.benchmark = cells.benchmark
    group by all

),

overall as (

    select
        model,
        recipe,
        sum(n_samples) as n_samples,
        count(*) as n_benchmarks,
        avg(loyalty order by benchmark) as overall_loyalty,
        avg(loyalty_raw order by benchmark) as overall_loyalty_raw,
        avg(loyalty_extracted order by benchmark) as overall_loyalty_extracted,
        sum(n_same) / sum(n_samples) as overall_loyalty_micro,
        avg(case when is_sensitive_to_cache then loyalty end order by benchmark) as overall_loyalty_sensitive
    from shares
    group by all

),

replicate_shares as (

    select
        pairs.model,
        pairs.recipe,
        pairs.benchmark,
        _resamples.replicate,
        sum(pairs.is_same * _resamples.times) / sum(_resamples.times) as loyalty
    from pairs
    inner join _resamples
        on
            pairs.benchmark = _resamples.benchmark
            and pairs.sample_id = _resamples.sample_id
    group by all

),

replicates as (

    select
        model,
        recipe,
        replicate,
        avg(loyalty order by benchmark) as overall_loyalty
    from replicate_shares
    group by all

),

intervals as (

    select
        model,
        recipe,
        quantile_cont(overall_loyalty, 0.025) as low,
        quantile_cont(overall_loyalty, 0.975) as high
    from replicates
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        cast(overall.n_samples as bigint) as n_samples,
        overall.n_benchmarks,
        round(overall.overall_loyalty, 9) as overall_loyalty,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high,
        round(overall.overall_loyalty_raw, 9) as overall_loyalty_raw,
        round(overall.overall_loyalty_extracted, 9) as overall_loyalty_extracted,
        round(overall.overall_loyalty_micro, 9) as overall_loyalty_micro,
        round(overall.overall_loyalty_sensitive, 9) as overall_loyalty_sensitive
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
