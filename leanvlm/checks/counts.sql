-- counts: whether each recipe was timed and described, and each checkpoint audited, as wholly as was needed.
--
-- Grain:     one row per of_table, model, recipe of the tables timings, parts and audits.
-- Unit:      n_found and n_wanted: timings, as many as the fullest recipe of its model has; parts, one a
--            method; audited weights, those of the decoder's linear layers at 16 bits each.
-- Reads:     timings, cells, parts, audits.
-- Undefined: never null.

with

timed_rows as (

    select
        model,
        recipe,
        count(*) as n_found
    from timings
    where axis = 'none'
    group by all

),

timed as (

    select
        'timings' as of_table,
        model,
        recipe,
        n_found,
        max(n_found) over (partition by model) as n_wanted
    from timed_rows

),

recipes as (

    select distinct
        model,
        recipe,
        acts_on
    from cells

),

described as (

    select
        'parts' as of_table,
        recipes.model,
        recipes.recipe,
        count(parts.position) as n_found,
        1 + length(recipes.recipe) - length(replace(recipes.recipe, '+', '')) as n_wanted
    from recipes
    left join parts
        on recipes.model = parts.model and recipes.recipe = parts.recipe
    group by all

),

models as (

    select
        model,
        any_value(full_weights_bytes) // 2 as n_weights
    from cells
    group by all

),

places as (

    -- recipes whose weights method is one of several have its checkpoint under the method's own name
    select
        model,
        recipe
    from audits
    union distinct
    select
        model,
        recipe
    from recipes
    where acts_on = 'weights'

),

audited as (

    select
        'audits' as of_table,
        places.model,
        places.recipe,
        coalesce(sum(audits.weights), 0) as n_found,
        coalesce(any_value(models.n_weights), 0) as n_wanted
    from places
    left join audits
        on places.model = audits.model and places.recipe = audits.recipe
    left join models
        on places.model = models.model
    group by all

)

select * from timed
union all
select * from described
union all
select * from audited
order by all
