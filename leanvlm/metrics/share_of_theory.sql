-- share_of_theory: how much of the speed-up that the device's limits allow a recipe reaches.
--
-- Grain:     one row per model, recipe, device, engine, dtype, attention, axis, batch_size, prompt_tokens,
--            visual_tokens, new_tokens, is_shape_only, phase (vision, prefill, decode).
-- Unit:      ratio: speedup / theory_speedup. theory_speedup: the full model's least seconds over the
--            recipe's, each the longer of operations and bytes over what the device can do a second.
--            share_of_flops and share_of_bandwidth: what the recipe does of these a second, as shares of the
--            device's. intensity: operations a byte, full_intensity the full model's.
-- Source:    Williams et al. 2009, CACM 52(4), the roofline.
-- Departs:   limits are measured with PyTorch in the same run, the best of all processes.
-- Reads:     speedup, workloads, ceilings.
-- Undefined: null where a phase does nothing or takes no time; no row where work was not counted.

with

limits as (

    select
        model,
        device,
        dtype,
        max(operations) as flops,
        max(moved_bytes) as bandwidth
    from ceilings
    group by all

),

least_times as (

    select
        workloads.model,
        workloads.recipe,
        workloads.device,
        workloads.engine,
        workloads.dtype,
        workloads.attention,
        workloads.axis,
        workloads.batch_size,
        workloads.prompt_tokens,
        workloads.visual_tokens,
        workloads.new_tokens,
        workloads.is_shape_only,
        workloads.phase,
        workloads.operations / nullif(workloads.moved_bytes, 0) as intensity,
        workloads.full_operations / nullif(workloads.full_moved_bytes, 0) as full_intensity,
        workloads.operations / limits.flops as flops_seconds,
        workloads.moved_bytes / limits.bandwidth as bytes_seconds,
        workloads.full_operations / limits.flops as full_flops_seconds,
        workloads.full_moved_bytes / limits.bandwidth as full_bytes_seconds
    from workloads
    inner join limits
        on
            workloads.model = limits.model
            and workloads.device = limits.device
            and workloads.dtype = limits.dtype

),

shares as (

    select
        speedup.model,
        speedup.recipe,
        speedup.device,
        speedup.engine,
        speedup.dtype,
        speedup.attention,
        speedup.axis,
        speedup.batch_size,
        speedup.prompt_tokens,
        speedup.visual_tokens,
        speedup.new_tokens,
        speedup.is_shape_only,
        speedup.phase,
        speedup.median_seconds,
        speedup.speedup,
        least_times.intensity,
        least_times.full_intensity,
        least_times.flops_seconds / nullif(speedup.median_seconds, 0) as share_of_flops,
        least_times.bytes_seconds / nullif(speedup.median_seconds, 0) as share_of_bandwidth,
        greatest(least_times.full_flops_seconds, least_times.full_bytes_seconds)
        / nullif(greatest(least_times.flops_seconds, least_times.bytes_seconds), 0) as theory_speedup
    from speedup
    inner join least_times
        on
            speedup.model = least_times.model
            and speedup.recipe = least_times.recipe
            and speedup.device = least_times.device
            and speedup.engine = least_times.engine
            and speedup.dtype = least_times.dtype
            and speedup.attention = least_times.attention
            and speedup.axis = least_times.axis
            and speedup.batch_size = least_times.batch_size
            and speedup.prompt_tokens = least_times.prompt_tokens
            and speedup.visual_tokens = least_times.visual_tokens
            and speedup.new_tokens = least_times.new_tokens
            and speedup.is_shape_only = least_times.is_shape_only
            and speedup.phase = least_times.phase

),

rounded as (

    select
        model,
        recipe,
        device,
        engine,
        dtype,
        attention,
        axis,
        batch_size,
        prompt_tokens,
        visual_tokens,
        new_tokens,
        is_shape_only,
        phase,
        median_seconds,
        speedup,
        round(intensity, 9) as intensity,
        round(full_intensity, 9) as full_intensity,
        round(share_of_flops, 9) as share_of_flops,
        round(share_of_bandwidth, 9) as share_of_bandwidth,
        round(theory_speedup, 9) as theory_speedup,
        round(speedup / nullif(theory_speedup, 0), 9) as share_of_theory
    from shares

)

select * from rounded
order by
    model,
    recipe,
    device,
    engine,
    dtype,
    attention,
    axis,
    batch_size,
    prompt_tokens,
    visual_tokens,
    new_tokens,
    is_shape_only,
    phase
