-- beats_control: whether a method is better than a control of the same kind that keeps as much.
--
-- Grain:     one row per model, recipe, control.
-- Unit:      true or false; difference is that of mean grades (0 to 1), mean over benchmarks, low and high
--            its 95 % interval, paired over samples. verdict: better, tie (0 is inside the interval) or
--            worse.
-- Source:    ours, after UniPruneBench and VTC-Bench: random and downsampling beat many published methods.
-- Reads:     steps.accuracy, steps.control_cells.
-- Undefined: no row for recipes of several methods, or without a control that keeps as much. A control is of
--            the same kind if it acts on the same, or on the image where the method acts on tokens. Recipes
--            that differ in options only (seeds) are averaged. Methods that act on the cache are compared
--            where a cache method can change answers.

with

differences as (

    select
        control_cells.model,
        control_cells.recipe,
        control_cells.control,
        control_cells.benchmark,
        methods.replicate,
        min(methods.n_samples) as n_samples,
        count(*) as n_control_recipes,
        avg(methods.mean_grade - controls.mean_grade order by control_cells.control_recipe) as difference
    from steps.control_cells as control_cells
    inner join steps.accuracy as methods
        on
            control_cells.model = methods.model
            and control_cells.recipe = methods.recipe
            and control_cells.benchmark = methods.benchmark
    inner join steps.accuracy as controls
        on
            control_cells.model = controls.model
            and control_cells.control_recipe = controls.recipe
            and control_cells.benchmark = controls.benchmark
            and methods.replicate = controls.replicate
    group by all

),

overall as (

    select
        model,
        recipe,
        control,
        replicate,
        count(*) as n_benchmarks,
        sum(n_samples) as n_samples,
        max(n_control_recipes) as n_control_recipes,
        avg(difference order by benchmark) as difference
    from differences
    group by all

),

intervals as (

    select
        model,
        recipe,
        control,
        any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
        cast(any_value(n_samples) filter (where replicate = 0) as bigint) as n_samples,
        any_value(n_control_recipes) filter (where replicate = 0) as n_control_recipes,
        point(difference, replicate) as difference,
        low(difference, replicate) as low,
        high(difference, replicate) as high
    from overall
    group by all

)

select
    model,
    recipe,
    control,
    n_benchmarks,
    n_samples,
    n_control_recipes,
    low > 0 as beats_control,
    difference,
    low,
    high,
    case when low > 0 then 'better' when high < 0 then 'worse' else 'tie' end as verdict
from intervals
order by model, recipe, control
