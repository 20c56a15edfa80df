-- interaction: how much more a combined recipe loses than its methods lose one by one.
--
-- Grain:     one row per model, recipe of several methods whose methods are all in the grid alone.
-- Unit:      loss - sum of the methods' losses, mean over benchmarks; a loss is 1 - accuracy kept. 0 =
--            losses add up, positive = they make each other worse. low and high: 95 % interval, paired over
--            samples. verdict: additive (0 is inside the interval), worse or milder.
-- Source:    ours; the interaction of a factorial experiment on the scale of ratios.
-- Reads:     steps.part_recipes, steps.kept.
-- Undefined: no row where a method is missing alone. A benchmark counts where the recipe and each of its
--            methods have a ratio.

with

complete as (

    select
        model,
        recipe,
        part_recipe,
        n_methods
    from steps.part_recipes
    qualify count(part_recipe) over (partition by model, recipe) = n_methods

),

part_losses as (

    select
        complete.model,
        complete.recipe,
        kept.benchmark,
        kept.replicate,
        sum(1 - kept.accuracy_kept order by complete.part_recipe) as loss
    from complete
    inner join steps.kept as kept
        on
            complete.model = kept.model
            and complete.part_recipe = kept.recipe
    group by all
    having count(kept.accuracy_kept) = any_value(complete.n_methods)

),

losses as (

    select
        part_losses.model,
        part_losses.recipe,
        part_losses.replicate,
        count(*) as n_benchmarks,
        avg(1 - kept.accuracy_kept order by part_losses.benchmark) as loss,
        avg(part_losses.loss order by part_losses.benchmark) as loss_of_parts
    from part_losses
    inner join steps.kept as kept
        on
            part_losses.model = kept.model
            and part_losses.recipe = kept.recipe
            and part_losses.benchmark = kept.benchmark
            and part_losses.replicate = kept.replicate
    where kept.accuracy_kept is not null
    group by all

),

intervals as (

    select
        model,
        recipe,
        any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
        point(loss, replicate) as loss,
        point(loss_of_parts, replicate) as loss_of_parts,
        point(loss - loss_of_parts, replicate) as interaction,
        low(loss - loss_of_parts, replicate) as low,
        high(loss - loss_of_parts, replicate) as high
    from losses
    group by all
    having count(*) filter (where replicate = 0) > 0

)

select
    *,
    case when low > 0 then 'worse' when high < 0 then 'milder' else 'additive' end as verdict
from intervals
order by model, recipe
