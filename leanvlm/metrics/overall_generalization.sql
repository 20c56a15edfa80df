-- overall_generalization: OG, how unevenly a recipe keeps accuracy over benchmarks.
--
-- Grain:     one row per recipe, scope.
-- Unit:      100 x population standard deviation / mean. Lower is better. low and high: 95 % interval. scope:
--            all benchmarks, or sensitive: those whose answers a cache method can change.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio is averaged over models first (12 of 12 printed
--            values).
-- Departs:   all recipes share one list of benchmarks; the paper's families have two.
-- Reads:     steps.ratios.
-- Undefined: null with fewer than two benchmarks, or where nothing is kept on any.

with

benchmark_means as (

    select
        recipe,
        benchmark,
        scope,
        replicate,
        count(*) as n_models,
        avg(accuracy_kept order by model) as kept
    from steps.ratios
    group by all

),

uneven as (

    select
        recipe,
        scope,
        replicate,
        min(n_models) as n_models,
        count(*) as n_benchmarks,
        case
            when count(*) > 1
                then 100 * stddev_pop(kept order by benchmark) / nullif(avg(kept order by benchmark), 0)
        end as uneven
    from benchmark_means
    group by all

)

select
    recipe,
    scope,
    any_value(n_models) filter (where replicate = 0) as n_models,
    any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
    point(uneven, replicate) as overall_generalization,
    low(uneven, replicate) as low,
    high(uneven, replicate) as high
from uneven
group by all
order by recipe, scope
