-- is_on_pareto_front: whether no other recipe performs as well for as little, and better or for less.
--
-- Grain:     one row per model, recipe, cost, device, scope.
-- Unit:      true or false. cost: prefill, decode or total (gain is overall efficiency), or memory (gain
--            is 1 / memory kept; device is null).
-- Source:    EffiVLM-Bench, arXiv 2506.00479, its figure of performance against speed-up.
-- Departs:   measured on point values; the intervals are in overall_performance and overall_efficiency.
--            Cache recipes look lossless on answers of one token: the scope sensitive ranks without those
--            benchmarks.
-- Reads:     overall_performance, overall_efficiency, memory_kept.
-- Undefined: no row without a performance and a gain; none of the scope sensitive without a sensitive
--            benchmark.

with

gains as (

    select
        model,
        recipe,
        phase as cost,
        device,
        overall_efficiency as gain
    from overall_efficiency
    where phase in ('prefill', 'decode', 'total')
    union all
    select
        model,
        recipe,
        'memory' as cost,
        cast(null as varchar) as device,
        round(1 / nullif(memory_kept, 0), 9) as gain
    from memory_kept

),

points as (

    select
        gains.model,
        gains.recipe,
        gains.cost,
        gains.device,
        overall_performance.scope,
        gains.gain,
        overall_performance.overall_performance
    from gains
    inner join overall_performance
        on
            gains.model = overall_performance.model
            and gains.recipe = overall_performance.recipe
    where gains.gain is not null and overall_performance.overall_performance is not null

),

compared as (

    -- every point meets itself, which never dominates it
    select
        points.model,
        points.recipe,
        points.cost,
        points.device,
        points.scope,
        points.gain,
        points.overall_performance,
        not bool_or(
            rivals.gain >= points.gain
            and rivals.overall_performance >= points.overall_performance
            and (rivals.gain > points.gain or rivals.overall_performance > points.overall_performance)
        ) as is_on_pareto_front
    from points
    inner join points as rivals
        on
            points.model = rivals.model
            and points.cost = rivals.cost
            and points.scope = rivals.scope
            and points.device is not distinct from rivals.device
    group by all

)

select * from compared
order by model, recipe, cost, device, scope
