-- overall_efficiency: OE, how much faster a recipe is than the full model, over all measured conditions.
--
-- Grain:     one row per model, recipe, device, phase.
-- Unit:      full seconds / seconds, 1.0 = the full model. Higher is better. Median; low and high are the
--            quartiles.
-- Source:    EffiVLM-Bench, arXiv 2506.00479: measured time, not counted operations; both sides in one
--            repeat.
-- Departs:   split into vision, prefill (time to first token), decode (time per token) and total.
-- Reads:     steps.time_ratios.
-- Undefined: null where a time is 0; models whose weights are random (is_shape_only) are in speedup alone.

with

medians as (

    select
        model,
        recipe,
        device,
        phase,
        count(*) as n_timings,
        round(median(seconds), 9) as median_seconds,
        round(median(full_seconds), 9) as median_full_seconds,
        round(median(ratio), 9) as overall_efficiency,
        round(quantile_cont(ratio, 0.25), 9) as low,
        round(quantile_cont(ratio, 0.75), 9) as high
    from steps.time_ratios
    where not is_shape_only
    group by all

)

select * from medians
order by model, recipe, device, phase
