-- curves: what each method keeps of accuracy as less budget is left to it.
--
-- Grain:     one row per model, compared, curve, budget, scheme. compared: tokens, cache or weights, what a
--            method and its controls spend their budget on. curve: a method with its options; the seeds of a
--            control are one curve. scheme: a setting that is no share, as 2:4 or w8a8 are; else empty.
-- Unit:      budget, achieved_budget, performance: shares, 1.0 = the full model. low and high: 95 % interval;
--            of several seeds the lowest low and the highest high.
-- Reads:     parts, cells, ranked_performance.
-- Undefined: no row for recipes of several methods. Curves of cache methods, and their controls, are over
--            benchmarks whose answers a cache method can change.

with

recipes as (

    select distinct
        model,
        recipe,
        family = 'controls' as is_control,
        case when acts_on = 'image' then 'tokens' else acts_on end as compared
    from cells

),

lone_parts as (

    select *
    from parts
    qualify count(*) over (partition by model, recipe) = 1

),

spent as (

    select
        recipes.model,
        recipes.compared,
        recipes.is_control,
        recipes.recipe,
        lone_parts.budget,
        lone_parts.achieved_budget,
        lone_parts.method,
        case when lone_parts.setting not like '%\%' escape '\' then lone_parts.setting else '' end as scheme,
        case
            when recipes.is_control then regexp_replace(lone_parts.options, '(^|,)seed=\d+', '')
            else lone_parts.options
        end as kept_options
    from recipes
    inner join lone_parts
        on
            recipes.model = lone_parts.model
            and recipes.recipe = lone_parts.recipe
    where lone_parts.budget is not null

),

kept as (

    select
        spent.model,
        spent.compared,
        spent.is_control,
        spent.recipe,
        spent.budget,
        spent.achieved_budget,
        spent.scheme,
        concat_ws(':', spent.method, nullif(spent.kept_options, '')) as curve,
        ranked_performance.ranked_performance as performance,
        ranked_performance.low,
        ranked_performance.high
    from spent
    inner join ranked_performance
        on
            spent.model = ranked_performance.model
            and spent.recipe = ranked_performance.recipe

),

points as (

    select
        model,
        compared,
        is_control,
        curve,
        budget,
        scheme,
        count(*) as n_recipes,
        avg(achieved_budget order by recipe) as achieved_budget,
        avg(performance order by recipe) as performance,
        min(low) as low,
        max(high) as high
    from kept
    where performance is not null
    group by all

)

select * from points
order by
    model,
    array_position(['tokens', 'cache', 'weights'], compared),
    is_control,
    curve,
    budget,
    scheme
