-- loyalty: the share of a cell's samples to which a recipe answers as the full model does.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      share of samples, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the share inside overall loyalty.
-- Departs:   the paper does not say when two answers are the same. Three rules: as they are (raw), in one
--            spelling (the column loyalty), and the extracted answer.
-- Reads:     _same_answers, _loyalty_bootstrap, _sensitive_cells.
-- Undefined: no row without controls/full.

with

counts as (

    select
        model,
        recipe,
        benchmark,
        cast(sum(n_asked) as bigint) as n_samples,
        cast(sum(list_sum(is_same)) as bigint) as n_same,
        cast(sum(list_sum(is_same_raw)) as bigint) as n_same_raw,
        cast(sum(list_sum(is_same_extracted)) as bigint) as n_same_extracted
    from _same_answers
    group by all

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        quantile_cont(loyalty, 0.025) as low,
        quantile_cont(loyalty, 0.975) as high
    from _loyalty_bootstrap
    group by all

),

joined as (

    select
        counts.model,
        counts.recipe,
        counts.benchmark,
        counts.n_samples,
        round(counts.n_same / counts.n_samples, 9) as loyalty,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high,
        round(counts.n_same_raw / counts.n_samples, 9) as loyalty_raw,
        round(counts.n_same_extracted / counts.n_samples, 9) as loyalty_extracted,
        counts.n_same,
        counts.n_same_raw,
        counts.n_same_extracted,
        _sensitive_cells.benchmark is not null as is_sensitive_to_cache
    from counts
    left join intervals
        on
            counts.model = intervals.model
            and counts.recipe = intervals.recipe
            and counts.benchmark = intervals.benchmark
    left join _sensitive_cells
        on
            counts.model = _sensitive_cells.model
            and counts.recipe = _sensitive_cells.recipe
            and counts.benchmark = _sensitive_cells.benchmark

)

select * from joined
order by model, recipe, benchmark
