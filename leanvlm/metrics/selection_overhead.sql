-- selection_overhead: what choosing costs, beside the full model's time to the first token.
--
-- Grain:     one row per model, recipe, device, is_shape_only.
-- Unit:      ratio: seconds of selection / seconds of the full model's prefill in the same repeat. Lower is
--            better. Mean over processes of each one's median; low and high: where another run of as many
--            processes would find it, 95 %.
-- Source:    ours: published speed-ups seldom say what the method itself takes.
-- Departs:   what a method computes inside the decoder's layers is in the prefill, which speedup compares.
-- Reads:     timings.
-- Undefined: low and high are null for a single process; null where the full prefill took 0 seconds.

with

repeats as (

    -- one row per phase comes in, so the maximum is the number itself
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
        process,
        repeat,
        max(seconds) filter (where phase = 'selection') as chosen_in,
        max(full_seconds) filter (where phase = 'prefill') as read_in
    from timings
    where axis = 'none'
    group by all

),

processes as (

    select
        model,
        recipe,
        device,
        is_shape_only,
        process,
        median(chosen_in / nullif(read_in, 0)) as part
    from repeats
    group by all

),

runs as (

    select
        model,
        recipe,
        device,
        is_shape_only,
        count(part) as n_processes,
        avg(part order by process) as mean_share,
        another_run(part, process) as margin
    from processes
    group by all

),

rounded as (

    select
        model,
        recipe,
        device,
        is_shape_only,
        n_processes,
        round(mean_share, 9) as selection_overhead,
        round(case when mean_share > margin then mean_share - margin else 0 * margin end, 9) as low,
        round(mean_share + margin, 9) as high
    from runs

)

select * from rounded
order by model, recipe, device, is_shape_only
