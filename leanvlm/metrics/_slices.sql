-- _slices: the kinds of samples among which what a recipe keeps may differ.
--
-- Grain:     one row per model, benchmark, sample_id, sliced_by.
-- Unit:      slice, a text. sliced_by: a downsampling control (samples that it fails or passes: those that
--            need detail), answer_length (tokens of the full model's answer) or visual_share (visual tokens
--            in the full prompt).
-- Source:    difficulty: VTC-Bench; the rest ours.
-- Reads:     grades, answers, parts, _places.
-- Undefined: no row where the control or the full model did not answer.

with

downsampled as (

    select
        model,
        recipe
    from parts
    group by all
    having count(*) = 1 and min(method) = 'controls/downsample'

),

full_answers as (

    select
        model,
        benchmark,
        sample_id,
        new_tokens,
        visual_tokens / nullif(prompt_tokens, 0) as visual_share
    from answers
    where recipe = 'controls/full'

),

sliced as (

    select
        grades.model,
        grades.benchmark,
        grades.sample_id,
        grades.recipe as sliced_by,
        case when grades.outcome = 'right' then 'passes' else 'fails' end as slice
    from grades
    inner join downsampled
        on
            grades.model = downsampled.model
            and grades.recipe = downsampled.recipe
    union all
    select
        model,
        benchmark,
        sample_id,
        'answer_length' as sliced_by,
        case
            when new_tokens <= 2 then '1 to 2 tokens'
            when new_tokens <= 8 then '3 to 8 tokens'
            else 'over 8 tokens'
        end as slice
    from full_answers
    where new_tokens is not null
    union all
    select
        model,
        benchmark,
        sample_id,
        'visual_share' as sliced_by,
        case
            when visual_share < 0.5 then 'under 50 %'
            when visual_share < 0.75 then '50 to 75 %'
            when visual_share < 0.9 then '75 to 90 %'
            else 'over 90 %'
        end as slice
    from full_answers
    where visual_share is not null

)

select
    sliced.model,
    sliced.benchmark,
    sliced.sample_id,
    sliced.sliced_by,
    sliced.slice,
    _places.group_id,
    _places.block,
    _places.place
from sliced
inner join _places
    on
        sliced.benchmark = _places.benchmark
        and sliced.sample_id = _places.sample_id
