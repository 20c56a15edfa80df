-- _counted_cells: the cells on which a recipe is compared with its rivals and controls.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      setting: those of the recipe's methods, joined by +; empty without methods that have one.
-- Source:    ours: a cache method cannot change answers of one or two tokens, so these do not count for it.
-- Reads:     cells, parts, steps.sensitive_cells.
-- Undefined: a recipe without a counted cell has no row. Of predictions that came from elsewhere, family and
--            acts_on are not known: they are empty.

with

settings as (

    select
        model,
        recipe,
        count(*) as n_methods,
        min(method) as method_id,
        string_agg(setting, ' + ' order by position) as setting
    from parts
    group by all

),

counted as (

    select
        cells.model,
        cells.recipe,
        cells.benchmark,
        coalesce(cells.family, '') as family,
        coalesce(cells.acts_on, '') as acts_on,
        settings.n_methods,
        settings.method_id,
        coalesce(settings.setting, '') as setting
    from cells
    left join settings
        on
            cells.model = settings.model
            and cells.recipe = settings.recipe
    left join steps.sensitive_cells as sensitive_cells
        on
            cells.model = sensitive_cells.model
            and cells.recipe = sensitive_cells.recipe
            and cells.benchmark = sensitive_cells.benchmark
    where coalesce(cells.acts_on, '') != 'cache' or sensitive_cells.benchmark is not null

)

select * from counted
