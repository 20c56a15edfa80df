-- _part_recipes: the methods of each combined recipe, as recipes of their own.
--
-- Grain:     one row per model, recipe, position; recipes of several methods only.
-- Unit:      part_recipe: the recipe that has this method alone, with the same setting and options.
-- Source:    ours.
-- Reads:     parts.
-- Undefined: part_recipe is null where the grid does not have it.

with

counts as (

    select
        model,
        recipe,
        count(*) as n_methods
    from parts
    group by all

),

counted as (

    select
        parts.model,
        parts.recipe,
        parts.position,
        parts.method,
        parts.setting,
        parts.options,
        counts.n_methods
    from parts
    inner join counts
        on
            parts.model = counts.model
            and parts.recipe = counts.recipe

)

select
    combined.model,
    combined.recipe,
    combined.position,
    combined.n_methods,
    alone.recipe as part_recipe
from counted as combined
left join counted as alone
    on
        combined.model = alone.model
        and combined.method = alone.method
        and combined.setting is not distinct from alone.setting
        and combined.options is not distinct from alone.options
        and alone.n_methods = 1
where combined.n_methods > 1
