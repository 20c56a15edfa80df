-- efficiency: what each recipe gains in time, and whether anything beats it at both accuracy and gain.
--
-- Grain:     one row per model, recipe that was measured in time or memory.
-- Unit:      full seconds / seconds, 95 % for another run; fronts are true or false.
-- Reads:     overall_efficiency, is_on_pareto_front.
-- Undefined: null where nothing was timed. Seconds are of the device that timed most recipes.

with

device_counts as (

    select
        model,
        device,
        count(distinct recipe) as n_recipes
    from overall_efficiency
    group by all

),

devices as (

    select
        model,
        first(device order by n_recipes desc, device asc) as device
    from device_counts
    group by all

),

speedups as (

    -- one row per phase comes in, so the maximum is the number itself
    select
        overall_efficiency.model,
        overall_efficiency.recipe,
        max(overall_efficiency.overall_efficiency) filter (where overall_efficiency.phase = 'total')
            as total_speedup,
        max(overall_efficiency.low) filter (where overall_efficiency.phase = 'total')
            as total_speedup_low,
        max(overall_efficiency.high) filter (where overall_efficiency.phase = 'total')
            as total_speedup_high,
        max(overall_efficiency.overall_efficiency) filter (where overall_efficiency.phase = 'prefill')
            as prefill_speedup,
        max(overall_efficiency.low) filter (where overall_efficiency.phase = 'prefill')
            as prefill_speedup_low,
        max(overall_efficiency.high) filter (where overall_efficiency.phase = 'prefill')
            as prefill_speedup_high,
        max(overall_efficiency.overall_efficiency) filter (where overall_efficiency.phase = 'decode')
            as decode_speedup,
        max(overall_efficiency.low) filter (where overall_efficiency.phase = 'decode')
            as decode_speedup_low,
        max(overall_efficiency.high) filter (where overall_efficiency.phase = 'decode')
            as decode_speedup_high
    from overall_efficiency
    inner join devices
        on
            overall_efficiency.model = devices.model
            and overall_efficiency.device = devices.device
    group by all

),

points as (

    -- over sensitive benchmarks where there are any
    select *
    from is_on_pareto_front
    qualify scope = max(scope) over (partition by model, recipe, cost, device)

),

fronts as (

    select
        points.model,
        points.recipe,
        bool_or(points.cost = 'total' and points.is_on_pareto_front) as is_on_speed_front,
        bool_or(points.cost = 'memory' and points.is_on_pareto_front) as is_on_memory_front
    from points
    left join devices
        on points.model = devices.model
    where
        (points.device is null or points.device = devices.device)
        -- answers fast without looking, which is no choice
        and points.recipe != 'controls/blind'
    group by all

),

joined as (

    select
        coalesce(speedups.model, fronts.model) as model,
        coalesce(speedups.recipe, fronts.recipe) as recipe,
        speedups.total_speedup,
        speedups.total_speedup_low,
        speedups.total_speedup_high,
        speedups.prefill_speedup,
        speedups.prefill_speedup_low,
        speedups.prefill_speedup_high,
        speedups.decode_speedup,
        speedups.decode_speedup_low,
        speedups.decode_speedup_high,
        coalesce(fronts.is_on_speed_front, false) as is_on_speed_front,
        coalesce(fronts.is_on_memory_front, false) as is_on_memory_front
    from speedups
    full join fronts
        on
            speedups.model = fronts.model
            and speedups.recipe = fronts.recipe

)

select * from joined
order by model, recipe
