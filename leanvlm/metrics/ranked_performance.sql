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
        coalesce(acts_on = 'cache', false) as acts_on_cache
    from cells

),

chosen as (

    select
        overall_performance.model,
        overall_performance.recipe,
        case
            when recipes.acts_on_cache then overall_performance.overall_performance_sensitive
            else overall_performance.overall_performance
        end as ranked_performance,
        case
            when recipes.acts_on_cache then overall_performance.low_sensitive
            else overall_performance.low
        end as low,
        case
            when recipes.acts_on_cache then overall_performance.high_sensitive
            else overall_performance.high
        end as high
    from recipes
    inner join overall_performance
        on
            recipes.model = overall_performance.model
            and recipes.recipe = overall_performance.recipe

)

select * from chosen
order by model, recipe
