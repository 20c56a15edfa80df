-- devices: under which conditions seconds were measured.
--
-- Grain: one row per device, engine, dtype, attention.
-- Reads: timings.

with

measured as (

    select
        device,
        engine,
        dtype,
        attention,
        array_to_string(list_sort(list(distinct batch_size)), ', ') as batch_size,
        array_to_string(list_sort(list(distinct prompt_tokens)), ', ') as prompt_tokens,
        array_to_string(list_sort(list(distinct new_tokens)), ', ') as new_tokens,
        count(distinct repeat) as n_repeats,
        count(distinct recipe) as n_recipes
    from timings
    group by all

)

select * from measured
order by device, engine, dtype, attention
