-- break_even: from where on along an axis a recipe is faster than the full model.
--
-- Grain:     one row per model, recipe, device, is_shape_only, phase, axis.
-- Unit:      prompts (axis batch_size), tokens of an answer (new_tokens), visual tokens of the prompt
--            (pictures, resolution): the smallest measured number at which, and at all measured ones
--            beyond, the verdict is faster. low and high are the ends of what was measured.
-- Source:    ours: a speed-up at one condition says nothing of another.
-- Reads:     speedup.
-- Undefined: null where the recipe is not faster at the largest number; no row for a recipe that was not
--            timed along an axis.

with

timed as (

    select
        model,
        recipe,
        device,
        is_shape_only,
        phase,
        axis,
        batch_size,
        new_tokens,
        visual_tokens,
        verdict,
        case axis
            when 'batch_size' then batch_size
            when 'new_tokens' then new_tokens
            else visual_tokens
        end as amount
    from speedup

),

along as (

    -- the condition that nothing was changed for lies on each axis
    select distinct
        changed.model,
        changed.recipe,
        changed.device,
        changed.is_shape_only,
        changed.phase,
        changed.axis,
        case
            when points.axis != 'none' then points.amount
            when changed.axis = 'batch_size' then points.batch_size
            when changed.axis = 'new_tokens' then points.new_tokens
            else points.visual_tokens
        end as amount,
        points.verdict
    from timed as changed
    inner join timed as points
        on
            changed.model = points.model
            and changed.recipe = points.recipe
            and changed.device = points.device
            and changed.is_shape_only = points.is_shape_only
            and changed.phase = points.phase
            and points.axis in (changed.axis, 'none')
    where changed.axis != 'none'

),

ends as (

    select
        model,
        recipe,
        device,
        is_shape_only,
        phase,
        axis,
        coalesce(
            max(amount) filter (where verdict is distinct from 'faster'), -1
        ) as last_without,
        min(amount) as low,
        max(amount) as high
    from along
    group by all

),

begun as (

    select
        ends.model,
        ends.recipe,
        ends.device,
        ends.is_shape_only,
        ends.phase,
        ends.axis,
        ends.low,
        ends.high,
        min(along.amount) as break_even
    from ends
    left join along
        on
            ends.model = along.model
            and ends.recipe = along.recipe
            and ends.device = along.device
            and ends.is_shape_only = along.is_shape_only
            and ends.phase = along.phase
            and ends.axis = along.axis
            and ends.last_without < along.amount
    group by all

)

select * from begun
order by model, recipe, device, is_shape_only, phase, axis
