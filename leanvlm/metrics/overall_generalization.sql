-- overall_generalization: OG, how unevenly a recipe keeps accuracy over benchmarks.
--
-- Grain:     one row per recipe.
-- Unit:      100 x population standard deviation / mean. Lower is better. low and high: 95 % interval.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio is averaged over models first (12 of 12 printed
--            values).
-- Departs:   all recipes share one list of benchmarks; the paper's families have two.
-- Reads:     accuracy_kept, _bootstrap.
-- Undefined: null with fewer than two benchmarks, or where nothing is kept on any.

with

benchmark_means as (

    select
        recipe,
        benchmark,
        count(*) as n_models,
        avg(accuracy_kept order by model) as mean_accuracy_kept
    from accuracy_kept
    where accuracy_kept is not null
    group by all

),

overall as (

    select
        recipe,
        count(*) as n_benchmarks,
        min(n_models) as n_models,
        case
            when count(*) > 1
                then
                    100 * stddev_pop(mean_accuracy_kept order by benchmark)
                    / nullif(avg(mean_accuracy_kept order by benchmark), 0)
        end as overall_generalization
    from benchmark_means
    group by all

),

replicate_means as (

    select
        recipe,
        benchmark,
        replicate,
        avg(accuracy_kept order by model) as mean_accuracy_kept
    from _bootstrap
    where accuracy_kept is not null
    group by all

),

replicates as (

    select
        recipe,
        replicate,
        100 * stddev_pop(mean_accuracy_kept order by benchmark)
        / nullif(avg(mean_accuracy_kept order by benchmark), 0) as overall_generalization
    from replicate_means
    group by all

),

intervals as (

    select
        recipe,
        quantile_cont(overall_generalization, 0.025) as low,
        quantile_cont(overall_generalization, 0.975) as high
    from replicates
    group by all

),

joined as (

    select
        overall.recipe,
        overall.n_models,
        overall.n_benchmarks,
        round(overall.overall_generalization, 9) as overall_generalization,
        case when overall.overall_generalization is not null then round(intervals.low, 9) end as low,
        case when overall.overall_generalization is not null then round(intervals.high, 9) end as high
    from overall
    left join intervals
        on overall.recipe = intervals.recipe

)

select * from joined
order by recipe
