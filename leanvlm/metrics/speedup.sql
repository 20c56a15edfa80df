-- speedup: how much faster a recipe is than the full model under one condition.
--
-- Grain:     one row per model, recipe, device, engine, dtype, attention, is_shape_only, batch_size,
--            prompt_tokens, visual_tokens, new_tokens, phase.
-- Unit:      full seconds / seconds, 1.0 = the full model. Higher is better. Median over repeats; low and
--            high are the quartiles.
-- Source:    EffiVLM-Bench, arXiv 2506.00479: measured time, not counted operations; both sides in one
--            repeat.
-- Reads:     steps.time_ratios.
-- Undefined: null where a time is 0.

with

medians as (

    select
        model,
        recipe,
        device,
        engine,
        dtype,
        attention,
        is_shape_only,
        batch_size,
        prompt_tokens,
        visual_tokens,
        new_tokens,
        phase,
        count(*) as n_repeats,
        round(median(seconds), 9) as median_seconds,
        round(median(full_seconds), 9) as median_full_seconds,
        round(median(ratio), 9) as speedup,
        round(quantile_cont(ratio, 0.25), 9) as low,
        round(quantile_cont(ratio, 0.75), 9) as high
    from steps.time_ratios
    group by all

)

select * from medians
order by
    model,
    recipe,
    device,
    engine,
    dtype,
    attention,
    is_shape_only,
    batch_size,
    prompt_tokens,
    visual_tokens,
    new_tokens,
    phase
