-- beats_control: whether a method is better than a control of the same kind that keeps as much.
--
-- Grain:     one row per model, recipe, control.
-- Unit:      true or false; difference is that of mean grades (0 to 1), mean over benchmarks, low and high
--            its 95 % interval, paired over samples. verdict: better, tie (0 is inside the interval) or
--            worse.
-- Source:    ours, after UniPruneBench and VTC-Bench: random and downsampling beat many published methods.
-- Reads:     accuracy, _control_cells, _bootstrap.
-- Undefined: no row for recipes of several methods, or without a control that keeps as much. A control is of
--            the same kind if it acts on the same, or on the image where the method acts on tokens. Recipes
--            that differ in options only (seeds) are averaged. Methods that act on the cache are compared
--            where a cache method can change answers.

with

differences as (

    select
        _control_cells.model,
        _control_cells.recipe,
        _control_cells.control,
        _control_cells.benchmark,
        min(methods.n_samples) as n_samples,
        count(*) as n_control_recipes,
        avg(methods.accuracy - controls.accuracy order by _control_cells.control_recipe) as difference
    from _control_cells
    inner join accuracy as methods
        on
            _control_cells.model = methods.model
            and _control_cells.recipe = methods.recipe
            and _control_cells.benchmark = methods.benchmark
    inner join accuracy as controls
        on
            _control_cells.model = controls.model
            and _control_cells.control_recipe = controls.recipe
            and _control_cells.benchmark = controls.benchmark
    group by all

),

overall as (

    select
        model,
        recipe,
        control,
        count(*) as n_benchmarks,
        sum(n_samples) as n_samples,
        max(n_control_recipes) as n_control_recipes,
        avg(difference order by benchmark) as difference
    from differences
    group by all

),

replicate_differences as (

    select
        _control_cells.model,
        _control_cells.recipe,
        _control_cells.control,
        _control_cells.benchmark,
        methods.replicate,
        avg(methods.mean_grade - controls.mean_grade order by _control_cells.control_recipe) as difference
    from _control_cells
    inner join _bootstrap as methods
        on
            _control_cells.model = methods.model
            and _control_cells.recipe = methods.recipe
            and _control_cells.benchmark = methods.benchmark
    inner join _bootstrap as controls
        on
            _control_cells.model = controls.model
            and _control_cells.control_recipe = controls.recipe
            and _control_cells.benchmark = controls.benchmark
            and methods.replicate = controls.replicate
    group by all

),

replicates as (

    select
        model,
        recipe,
        control,
        replicate,
        avg(difference order by benchmark) as difference
    from replicate_differences
    group by all

),

intervals as (

    select
        model,
        recipe,
        control,
        round(quantile_cont(difference, 0.025), 9) as low,
        round(quantile_cont(difference, 0.975), 9) as high
    from replicates
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        overall.control,
        overall.n_benchmarks,
        cast(overall.n_samples as bigint) as n_samples,
        overall.n_control_recipes,
        intervals.low > 0 as beats_control,
        round(overall.difference, 9) as difference,
        intervals.low,
        intervals.high,
        case
            when intervals.low > 0 then 'better'
            when intervals.high < 0 then 'worse'
            else 'tie'
        end as verdict
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe
            and overall.control = intervals.control

)

select * from joined
order by model, recipe, control
