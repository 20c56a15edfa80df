-- counts: whether a model's recipes were all timed alike, and all its checkpoints audited layer by layer.
--
-- Grain:     one row per of_table, model, recipe of the tables timings and audits.
-- Unit:      n_rows: how many rows it has; n_most: how many the fullest recipe of its model has.
-- Reads:     timings, audits.
-- Undefined: never null.

with

counted as (

    select
        'timings' as of_table,
        model,
        recipe,
        count(*) as n_rows
    from timings
    group by all
    union all
    select
        'audits' as of_table,
        model,
        recipe,
        count(*) as n_rows
    from audits
    group by all

),

compared as (

    select
        of_table,
        model,
        recipe,
        n_rows,
        max(n_rows) over (partition by of_table, model) as n_most
    from counted

)

select * from compared
