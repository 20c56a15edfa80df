-- interaction: how much more a combined recipe loses than its methods lose one by one.
--
-- Grain:     one row per model, recipe of several methods whose methods are all in the grid alone.
-- Unit:      loss - sum of the methods' losses, mean over benchmarks; a loss is 1 - accuracy kept. 0 =
--            losses add up, positive = they make each other worse. low and high: 95 % interval, paired over
--            samples. verdict: additive (0 is inside the interval), worse or milder.
-- Source:    ours; the interaction of a factorial experiment on the scale of ratios.
-- Reads:     _part_recipes, accuracy_kept, _bootstrap.
-- Undefined: no row where a method is missing alone. A benchmark counts where the recipe and each of its
--            methods have a ratio.

with

complete as (

    select
        model,
        recipe,
        part_recipe,
        n_methods
    from _part_recipes
    qualify count(part_recipe) over (partition by model, recipe) = n_methods

),

part_losses as (

    select
        complete.model,
        complete.recipe,
        accuracy_kept.benchmark,
        sum(1 - accuracy_kept.accuracy_kept order by complete.part_recipe) as loss
    from complete
    inner join accuracy_kept
        on
            complete.model = accuracy_kept.model
            and complete.part_recipe = accuracy_kept.recipe
    group by all
    having count(accuracy_kept.accuracy_kept) = any_value(complete.n_methods)

),

overall as (

    select
        part_losses.model,
        part_losses.recipe,
        count(*) as n_benchmarks,
        avg(1 - accuracy_kept.accuracy_kept order by part_losses.benchmark) as loss,
        avg(part_losses.loss order by part_losses.benchmark) as loss_of_parts
    from part_losses
    inner join accuracy_kept
        on
            part_losses.model = accuracy_kept.model
            and part_losses.recipe = accuracy_kept.recipe
            and part_losses.benchmark = accuracy_kept.benchmark
    where accuracy_kept.accuracy_kept is not null
    group by all

),

replicate_part_losses as (

    select
        complete.model,
        complete.recipe,
        _bootstrap.benchmark,
        _bootstrap.replicate,
        sum(1 - _bootstrap.accuracy_kept order by complete.part_recipe) as loss
    from complete
    inner join _bootstrap
        on
            complete.model = _bootstrap.model
            and complete.part_recipe = _bootstrap.recipe
    group by all
    having count(_bootstrap.accuracy_kept) = any_value(complete.n_methods)

),

replicates as (

    select
        part_losses.model,
        part_losses.recipe,
        part_losses.replicate,
        avg(1 - _bootstrap.accuracy_kept - part_losses.loss order by part_losses.benchmark) as interaction
    from replicate_part_losses as part_losses
    inner join _bootstrap
        on
            part_losses.model = _bootstrap.model
            and part_losses.recipe = _bootstrap.recipe
            and part_losses.benchmark = _bootstrap.benchmark
            and part_losses.replicate = _bootstrap.replicate
    group by all

),

intervals as (

    select
        model,
        recipe,
        round(quantile_cont(interaction, 0.025), 9) as low,
        round(quantile_cont(interaction, 0.975), 9) as high
    from replicates
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        overall.n_benchmarks,
        round(overall.loss, 9) as loss,
        round(overall.loss_of_parts, 9) as loss_of_parts,
        round(overall.loss - overall.loss_of_parts, 9) as interaction,
        intervals.low,
        intervals.high,
        case
            when intervals.low > 0 then 'worse'
            when intervals.high < 0 then 'milder'
            else 'additive'
        end as verdict
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
