-- overall_efficiency: OE, how much faster a recipe is than the full model, over the prompts as they come.
--
-- Grain:     one row per model, recipe, device, phase.
-- Unit:      full seconds / seconds, 1.0 = the full model. Higher is better. Geometric mean over processes
--            of each one's median; low and high: where another run of as many processes would find it, 95 %.
--            verdict: faster, slower or no real speed-up, which is an interval around 1.
-- Source:    EffiVLM-Bench, arXiv 2506.00479: measured time, not counted operations; both sides in one
--            repeat. The interval is Student's for the difference of two means.
-- Departs:   split into preprocess, vision, prefill (time to first token), decode (time per token) and total.
-- Reads:     steps.time_ratios.
-- Undefined: null where a time is 0; low, high and verdict are null for a single process. Conditions along an
--            axis and models whose weights are random (is_shape_only) are in speedup alone.

with

processes as (

    select
        model,
        recipe,
        device,
        phase,
        process,
        count(*) as n,
        median(seconds) as seconds,
        median(full_seconds) as full_seconds,
        median(ln(ratio)) as gain
    from steps.time_ratios
    where not is_shape_only and axis = 'none' and phase != 'selection'
    group by all

),

runs as (

    select
        model,
        recipe,
        device,
        phase,
        count(gain) as n_processes,
        cast(sum(n) as bigint) as n_timings,
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
        phase,
        n_processes,
        n_timings,
        round(seconds, 9) as median_seconds,
        round(full_seconds, 9) as median_full_seconds,
        round(exp(gain), 9) as overall_efficiency,
        round(exp(gain - margin), 9) as low,
        round(exp(gain + margin), 9) as high,
        time_verdict(exp(gain - margin), exp(gain + margin)) as verdict
    from runs

)

select * from rounded
order by model, recipe, device, phase
