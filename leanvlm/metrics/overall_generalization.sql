-- overall_generalization: OG, how unevenly a recipe keeps accuracy over benchmarks.
--
-- Grain:     one row per recipe.
-- Unit:      100 x population standard deviation / mean. Lower is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio is averaged over models first (12 of 12 printed
--            values).
-- Departs:   all recipes share one list of benchmarks; the paper's families have two. The columns named
--            sensitive leave out benchmarks whose answers no cache method can change.
-- Reads:     accuracy_kept, _sensitive_cells, _bootstrap.
-- Undefined: null with fewer than two benchmarks, or where nothing is kept on any.

with

ratios as (

    select
        accuracy_kept.model,
        accuracy_kept.recipe,
        accuracy_kept.benchmark,
        accuracy_kept.accuracy_kept,
        _sensitive_cells.benchmark is not null as is_sensitive
    from accuracy_kept
    left join _sensitive_cells
        on
            accuracy_kept.model = _sensitive_cells.model
            and accuracy_kept.recipe = _sensitive_cells.recipe
            and accuracy_kept.benchmark = _sensitive_cells.benchmark
    where accuracy_kept.accuracy_kept is not null

),

benchmark_means as (

    select
        recipe,
        benchmark,
        count(*) as n_models,
        avg(accuracy_kept order by model) as kept,
        avg(case when is_sensitive then accuracy_kept end order by model) as kept_sensitive
    from ratios
    group by all

),

overall as (

    select
        recipe,
        count(*) as n_benchmarks,
        count(kept_sensitive) as n_benchmarks_sensitive,
        min(n_models) as n_models,
        100 * stddev_pop(kept order by benchmark) / nullif(avg(kept order by benchmark), 0) as uneven,
        100 * stddev_pop(kept_sensitive order by benchmark)
        / nullif(avg(kept_sensitive order by benchmark), 0) as uneven_sensitive
    from benchmark_means
    group by all

),

replicate_means as (

    select
        ratios.recipe,
        ratios.benchmark,
        _bootstrap.replicate,
        avg(_bootstrap.accuracy_kept order by ratios.model) as kept,
        avg(case when ratios.is_sensitive then _bootstrap.accuracy_kept end order by ratios.model)
            as kept_sensitive
    from ratios
    inner join _bootstrap
        on
            ratios.model = _bootstrap.model
            and ratios.recipe = _bootstrap.recipe
            and ratios.benchmark = _bootstrap.benchmark
    group by all

),

replicates as (

    select
        recipe,
        replicate,
        100 * stddev_pop(kept order by benchmark) / nullif(avg(kept order by benchmark), 0) as uneven,
        100 * stddev_pop(kept_sensitive order by benchmark)
        / nullif(avg(kept_sensitive order by benchmark), 0) as uneven_sensitive
    from replicate_means
    group by all

),

intervals as (

    select
        recipe,
        quantile_cont(uneven, 0.025) as low,
        quantile_cont(uneven, 0.975) as high,
        quantile_cont(uneven_sensitive, 0.025) as low_sensitive,
        quantile_cont(uneven_sensitive, 0.975) as high_sensitive
    from replicates
    group by all

),

joined as (

    select
        overall.recipe,
        overall.n_models,
        overall.n_benchmarks,
        case when overall.n_benchmarks > 1 then round(overall.uneven, 9) end as overall_generalization,
        case when overall.n_benchmarks > 1 then round(intervals.low, 9) end as low,
        case when overall.n_benchmarks > 1 then round(intervals.high, 9) end as high,
        case when overall.n_benchmarks_sensitive > 1 then round(overall.uneven_sensitive, 9) end
            as overall_generalization_sensitive,
        case when overall.n_benchmarks_sensitive > 1 then round(intervals.low_sensitive, 9) end
            as low_sensitive,
        case when overall.n_benchmarks_sensitive > 1 then round(intervals.high_sensitive, 9) end
            as high_sensitive
    from overall
    left join intervals
        on overall.recipe = intervals.recipe

)

select * from joined
order by recipe
