-- dollars_per_thousand: what a thousand answers cost, in money and in energy.
--
-- Grain:     one row per model, recipe, device.
-- Unit:      dollars; joules_per_thousand: joules. Lower is better. Single prompts as they come, end to end.
-- Source:    ours: seconds of the clock, times the price that params.yaml gives, and the power that the
--            device tells.
-- Reads:     timings, ceilings.
-- Undefined: null where nobody gives a price, or the device does not tell its power; models whose weights
--            are random are left out.

with

answers as (

    select
        model,
        recipe,
        device,
        median(seconds / batch_size) as seconds
    from timings
    where phase = 'total' and axis = 'none' and not is_shape_only
    group by all

),

machines as (

    select
        model,
        device,
        max(dollars_per_hour) as dollars_per_hour,
        median(watts) as watts
    from ceilings
    group by all

),

spent as (

    select
        answers.model,
        answers.recipe,
        answers.device,
        round(1000 * answers.seconds, 9) as seconds_per_thousand,
        round(1000 * answers.seconds * machines.dollars_per_hour / 3600, 9) as dollars_per_thousand,
        round(1000 * answers.seconds * machines.watts, 9) as joules_per_thousand
    from answers
    inner join machines
        on answers.model = machines.model and answers.device = machines.device

)

select * from spent
order by model, recipe, device
