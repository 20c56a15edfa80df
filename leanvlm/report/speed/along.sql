-- along: how much faster some recipes are along an axis, and from where on.
--
-- Grain:     one row per model, axis, phase, recipe, amount.
-- Unit:      amount: prompts (batch_size), tokens of an answer (new_tokens), visual tokens (pictures,
--            resolution).
--            speedup, low, high: times the full model's speed; 95 % for another run.
-- Reads:     speedup, break_even, cells.
-- Undefined: no row for recipes that were not timed along an axis.

with

families as (

    select distinct
        recipe,
        family
    from cells

),

timed as (

    select distinct
        break_even.model,
        break_even.is_shape_only,
        break_even.axis,
        break_even.phase,
        break_even.recipe,
        families.family,
        break_even.break_even,
        break_even.high as measured_to,
        case break_even.axis
            when 'batch_size' then speedup.batch_size
            when 'new_tokens' then speedup.new_tokens
            else speedup.visual_tokens
        end as amount,
        speedup.speedup,
        speedup.low,
        speedup.high,
        speedup.verdict
    from break_even
    inner join speedup
        on
            break_even.model = speedup.model
            and break_even.is_shape_only = speedup.is_shape_only
            and break_even.recipe = speedup.recipe
            and break_even.device = speedup.device
            and break_even.phase = speedup.phase
            and speedup.axis in (break_even.axis, 'none')
    inner join families
        on break_even.recipe = families.recipe
    where break_even.phase in ('prefill', 'decode', 'total')

)

select * from timed
order by model, axis, array_position(['total', 'prefill', 'decode'], phase), recipe, amount, speedup
