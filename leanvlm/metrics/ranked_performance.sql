-- ranked_performance: overall performance over the benchmarks that can tell what the recipe acts on.
--
-- Grain:     one row per model, recipe.
-- Unit:      root mean square of accuracy kept, 1.0 = the full model; low and high: its 95 % interval. Of
--            recipes that act on the cache over benchmarks whose answers a cache method can change, else
--            over all of them.
-- Source:    ours; answers of one token would make every cache recipe look lossless.
-- Reads:     cells, overall_performance.
-- Undefined: null where no such benchmark is measured.

with

recipes as (

    select distinct
        model,
        recipe,
        case when acts_on = 'cache' then 'sensitive' else 'all' end as scope
    from cells

)

select
    recipes.model,
    recipes.recipe,
    ranked.overall_performance as ranked_performance,
    ranked.low,
    ranked.high
from recipes
inner join overall_performance
    on
        recipes.model = overall_performance.model
        and recipes.recipe = overall_performance.recipe
        and overall_performance.scope = 'all'
left join overall_performance as ranked
    on
        recipes.model = ranked.model
        and recipes.recipe = ranked.recipe
        and recipes.scope = ranked.scope
order by recipes.model, recipes.recipe
