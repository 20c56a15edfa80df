-- _slices: the kinds of samples among which what a recipe keeps may differ.
--
-- Grain:     one row per model, benchmark, sample_id, sliced_by.
-- Unit:      slice: a text. sliced_by: a downsampling control (samples that it fails or passes: those that
--            need detail), answer_length (tokens of the full model's answer) or visual_share (visual tokens
--            in the full prompt). cluster_number is the same for samples of one picture.
-- Source:    difficulty: VTC-Bench; the rest ours. Clusters: Wolter 2007, Introduction to Variance
--            Estimation, chapter 2 (random groups).
-- Departs:   a benchmark has 128 clusters; where it has more pictures, several share one.
-- Reads:     grades, answers, parts, steps.samples.
-- Undefined: no row where the control or the full model did not answer, or its answer has no grade.

with

downsampled as (

    select
        model,
        recipe
    from parts
    group by all
    having count(*) = 1 and min(method) = 'controls/downsample'

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
    where grades.outcome not in ('', 'ungraded')
    union all
    select
        model,
        benchmark,
        sample_id,
        'answer_length' as sliced_by,
        case
            when new_tokens <= 2 then '1 to 2 tokens'
            when new_tokens <= 8 then '3 to 8 tokens'
            when new_tokens > 8 then 'over 8 tokens'
        end as slice
    from answers
    where recipe = 'controls/full'
    union all
    select
        model,
        benchmark,
        sample_id,
        'visual_share' as sliced_by,
        case
            when visual_tokens / nullif(prompt_tokens, 0) < 0.5 then 'under 50 %'
            when visual_tokens / nullif(prompt_tokens, 0) < 0.75 then '50 to 75 %'
            when visual_tokens / nullif(prompt_tokens, 0) < 0.9 then '75 to 90 %'
            when visual_tokens / nullif(prompt_tokens, 0) >= 0.9 then '90 % and more'
        end as slice
    from answers
    where recipe = 'controls/full'

)

select
    sliced.model,
    sliced.benchmark,
    sliced.sample_id,
    sliced.sliced_by,
    sliced.slice,
    (samples.picture_index + 1) % 128 as cluster_number
from sliced
inner join steps.samples as samples
    on
        sliced.benchmark = samples.benchmark
        and sliced.sample_id = samples.sample_id
where sliced.slice is not null
