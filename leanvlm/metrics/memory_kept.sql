-- memory_kept: the share of the full model's bytes that a recipe needs for decoder weights and cache.
--
-- Grain:     one row per model, recipe.
-- Unit:      ratio, 1.0 = the full model. Lower is better. Mean over benchmarks.
-- Source:    ours; EffiVLM-Bench gives a budget instead, which says nothing of scales, windows or text
--            tokens.
-- Reads:     cells.
-- Undefined: null without answers, or where the full model's bytes are 0.

with

overall as (

    select
        model,
        recipe,
        count(*) as n_benchmarks,
        avg(
            (weights_bytes + cache_bytes) / nullif(full_weights_bytes + full_cache_bytes, 0)
            order by benchmark
        ) as memory_kept,
        avg(weights_bytes / nullif(full_weights_bytes, 0) order by benchmark) as weights_kept,
        avg(cache_bytes / nullif(full_cache_bytes, 0) order by benchmark) as cache_bytes_kept
    from cells
    group by all

),

rounded as (

    select
        model,
        recipe,
        n_benchmarks,
        round(memory_kept, 9) as memory_kept,
        round(weights_kept, 9) as weights_kept,
        round(cache_bytes_kept, 9) as cache_bytes_kept
    from overall

)

select * from rounded
order by model, recipe
