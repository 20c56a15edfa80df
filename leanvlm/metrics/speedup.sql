-- speedup: how much faster a recipe is than the full model under one condition.
--
-- Grain:     one row per model, recipe, device, engine, dtype, attention, axis, batch_size, prompt_tokens,
--            visual_tokens, new_tokens, is_shape_only, phase.
-- Unit:      full seconds / seconds, 1.0 = the full model. Higher is better. Geometric mean over processes
--            of each one's median; low and high: where another run of as many processes would find it, 95 %.
--            verdict: faster, slower or no real speed-up, which is an interval around 1.
-- Source:    EffiVLM-Bench, arXiv 2506.00479: measured time, not counted operations; both sides in one
--            repeat. The interval is Student's for the difference of two means.
-- Reads:     steps.time_ratios.
-- Undefined: null where a time is 0; low, high and verdict are null for a single process. Selection has no
--            counterpart in the full model: see selection_overhead.

with

processes as (

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
        process,
        count(*) as n,
        median(seconds) as seconds,
        median(full_seconds) as full_seconds,
        median(ln(ratio)) as gain
    from steps.time_ratios
    where phase != 'selection'
    group by all

),

runs as (

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
        count(gain) as n_processes,
        cast(sum(n) as bigint) as n_repeats,
        median(seconds) as seconds,
        median(full_seconds) as full_seconds,
        avg(gain order by process) as gain,
        another_run(gain, process) as margin
    from processes
    group by all

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
        n_processes,
        n_repeats,
        round(seconds, 9) as median_seconds,
        round(full_seconds, 9) as median_full_seconds,
        round(exp(gain), 9) as speedup,
        round(exp(gain - margin), 9) as low,
        round(exp(gain + margin), 9) as high,
        time_verdict(exp(gain - margin), exp(gain + margin)) as verdict
    from runs

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
