-- _control_cells: each method's cells beside the cells of every control of its kind that keeps as much.
--
-- Grain:     one row per model, recipe, control_recipe, benchmark.
-- Unit:      none; control is the method, control_recipe its recipe with setting and seed.
-- Source:    ours, after UniPruneBench and VTC-Bench: random and downsampling beat many published methods.
-- Reads:     steps.counted_cells.
-- Undefined: no row for recipes of several methods, or without a control that keeps as much. A control is of
--            the same kind if it acts on the same, or on the image where the method acts on tokens.

with

single_methods as (

    -- the setting is text, so that no budgets are compared as floats
    select
        model,
        recipe,
        benchmark,
        family,
        acts_on,
        method_id,
        setting
    from steps.counted_cells
    where n_methods = 1 and setting != ''

)

select
    methods.model,
    methods.recipe,
    methods.benchmark,
    controls.method_id as control,
    controls.recipe as control_recipe
from single_methods as methods
inner join single_methods as controls
    on
        methods.model = controls.model
        and methods.benchmark = controls.benchmark
        and methods.setting = controls.setting
        and (
            methods.acts_on = controls.acts_on
            or (methods.acts_on = 'tokens' and controls.acts_on = 'image')
        )
where methods.family != 'controls' and controls.family = 'controls'
