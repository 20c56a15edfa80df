-- beats_control: whether a method is better than a control of the same kind that keeps as much.
--
-- Grain:     one row per model, recipe, control.
-- Unit:      true or false; difference is that of mean grades (0 to 1), mean over benchmarks, low and high
--            its 95 % interval, paired over samples. verdict: better, tie (0 is inside the interval) or
--            worse.
-- Source:    ours, after UniPruneBench and VTC-Bench: random and downsampling beat many published methods.
-- Reads:     accuracy, cells, parts, _bootstrap.
-- Undefined: no row for recipes of several methods, or without a control that keeps as much. A control is of
--            the same kind if it acts on the same, or on the image where the method acts on tokens. Recipes
--            that differ in options only (seeds) are averaged. Methods that act on the cache are compared
--            where a cache method can change answers.

with

kinds as (

    select distinct
        model,
        recipe,
        family,
        acts_on
    from cells

),

single_methods as (

    -- the setting is text, so that no budgets are compared as floats
    select
        parts.model,
        parts.recipe,
        kinds.family,
        kinds.acts_on,
        min(parts.method) as method_id,
        min(parts.setting) as setting
    from parts
    inner join kinds
        on
            parts.model = kinds.model
            and parts.recipe = kinds.recipe
    group by all
    having count(*) = 1 and min(parts.setting) is not null

),

pairs as (

    select
        methods.model,
        methods.recipe,
        methods.acts_on,
        controls.method_id as control,
        controls.recipe as control_recipe
    from single_methods as methods
    inner join single_methods as controls
        on
            methods.model = controls.model
            and methods.setting = controls.setting
            and (
                methods.acts_on = controls.acts_on
                or (methods.acts_on = 'tokens' and controls.acts_on = 'image')
            )
    where methods.family <> 'controls' and controls.family = 'controls'

),

cell_pairs as (

    select
        pairs.model,
        pairs.recipe,
        pairs.control,
        pairs.control_recipe,
        cells.benchmark
    from pairs
    inner join cells
        on
            pairs.model = cells.model
            and pairs.recipe = cells.recipe
    where pairs.acts_on <> 'cache' or cells.is_sensitive_to_cache

),

differences as (

    select
        cell_pairs.model,
        cell_pairs.recipe,
        cell_pairs.control,
        cell_pairs.benchmark,
        min(methods.n_samples) as n_samples,
        count(*) as n_control_recipes,
        avg(methods.accuracy - controls.accuracy order by cell_pairs.control_recipe) as difference
    from cell_pairs
    inner join accuracy as methods
        on
            cell_pairs.model = methods.model
            and cell_pairs.recipe = methods.recipe
            and cell_pairs.benchmark = methods.benchmark
    inner join accuracy as controls
        on
            cell_pairs.model = controls.model
            and cell_pairs.control_recipe = controls.recipe
            and cell_pairs.benchmark = controls.benchmark
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
        cell_pairs.model,
        cell_pairs.recipe,
        cell_pairs.control,
        cell_pairs.benchmark,
        methods.replicate,
        avg(methods.mean_grade - controls.mean_grade order by cell_pairs.control_recipe) as difference
    from cell_pairs
    inner join _bootstrap as methods
        on
            cell_pairs.model = methods.model
            and cell_pairs.recipe = methods.recipe
            and cell_pairs.benchmark = methods.benchmark
    inner join _bootstrap as controls
        on
            cell_pairs.model = controls.model
            and cell_pairs.control_recipe = controls.recipe
            and cell_pairs.benchmark = controls.benchmark
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
