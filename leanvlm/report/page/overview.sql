-- overview: what was run, and what is missing.
--
-- Grain: one row.
-- Reads: cells, samples, overall_efficiency, overall_loyalty,
--        overall_performance, beats_control, skips.

with

recipes as (

    select distinct
        model,
        recipe,
        family,
        acts_on
    from cells

),

asked as (

    select samples.sample_id
    from samples
    semi join cells
        on samples.benchmark = cells.benchmark

),

unjudged as (

    -- methods on weights and combined recipes have no control of their kind
    select
        recipes.model,
        recipes.recipe
    from recipes
    anti join beats_control
        on
            recipes.model = beats_control.model
            and recipes.recipe = beats_control.recipe
    where recipes.family in ('tokens', 'cache')

)

select
    (select coalesce(list(distinct model order by model), []) from cells) as models,
    (select coalesce(list(distinct benchmark order by benchmark), []) from cells) as benchmarks,
    (select coalesce(list(distinct device order by device), []) from overall_efficiency) as devices,
    (select count(distinct recipe) from recipes) as n_recipes,
    (select count(distinct recipe) filter (family = 'controls') from recipes) as n_controls,
    (select count(*) from asked) as n_samples,
    (select coalesce(list(distinct recipe order by recipe), []) from unjudged) as without_control,
    (
        select count(*) - count(low) from overall_performance
        where scope = 'all'
    ) as n_without_interval,
    (select count(*) from skips) as n_skips,
    (
        select min(overall_loyalty_raw)
        from overall_loyalty
        where scope = 'all' and recipe = 'controls/rebatched'
    ) as rebatched_loyalty
