-- _slices: the kinds of samples among which what a recipe keeps may differ, as lists in the order of places.
--
-- Grain:     one row per model, benchmark, block, sliced_by.
-- Unit:      slices: a text per place. sliced_by: a downsampling control (samples that it fails or passes:
--            those that need detail), answer_length (tokens of the full model's answer) or visual_share
--            (visual tokens in the full prompt). clusters: a number per place, the same for samples of one
--            picture.
-- Source:    difficulty: VTC-Bench; the rest ours. Clusters: Wolter 2007, Introduction to Variance
--            Estimation, chapter 2 (random groups).
-- Departs:   a benchmark has 128 clusters; where it has more pictures, several share one.
-- Reads:     _grades, answers, parts, _places.
-- Undefined: slices are null where the control or the full model did not answer.

with

clustered as (

    select
        benchmark,
        sample_id,
        block,
        place,
        dense_rank() over (partition by benchmark order by group_id) % 128 as cluster_number
    from _places

),

clusters as (

    select
        benchmark,
        block,
        list(cluster_number order by place) as clusters
    from clustered
    group by all

),

downsampled as (

    select
        model,
        recipe
    from parts
    group by all
    having count(*) = 1 and min(method) = 'controls/downsample'

),

downsampled_grades as (

    select
        _grades.model,
        _grades.recipe,
        _grades.benchmark,
        _grades.block,
        _grades.outcomes
    from _grades
    inner join downsampled
        on
            _grades.model = downsampled.model
            and _grades.recipe = downsampled.recipe

),

difficulties as (

    select
        model,
        benchmark,
        block,
        recipe as sliced_by,
        list_transform(
            outcomes,
            lambda outcome: case when outcome = 'right' then 'passes' when outcome != '' then 'fails' end
        ) as slices
    from downsampled_grades

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

asked as (

    select distinct
        model,
        benchmark
    from full_answers

),

kinds as (

    select
        asked.model,
        asked.benchmark,
        _places.block,
        list(
            case
                when full_answers.new_tokens <= 2 then '1 to 2 tokens'
                when full_answers.new_tokens <= 8 then '3 to 8 tokens'
                when full_answers.new_tokens > 8 then 'over 8 tokens'
            end
            order by _places.place
        ) as lengths,
        list(
            case
                when full_answers.visual_share < 0.5 then 'under 50 %'
                when full_answers.visual_share < 0.75 then '50 to 75 %'
                when full_answers.visual_share < 0.9 then '75 to 90 %'
                when full_answers.visual_share >= 0.9 then '90 % and more'
            end
            order by _places.place
        ) as visual_shares
    from asked
    inner join _places
        on asked.benchmark = _places.benchmark
    left join full_answers
        on
            asked.model = full_answers.model
            and _places.benchmark = full_answers.benchmark
            and _places.sample_id = full_answers.sample_id
    group by all

),

sliced as (

    select
        model,
        benchmark,
        block,
        sliced_by,
        slices
    from difficulties
    union all
    select
        model,
        benchmark,
        block,
        'answer_length' as sliced_by,
        lengths as slices
    from kinds
    union all
    select
        model,
        benchmark,
        block,
        'visual_share' as sliced_by,
        visual_shares as slices
    from kinds

)

select
    sliced.model,
    sliced.benchmark,
    sliced.block,
    sliced.sliced_by,
    sliced.slices,
    clusters.clusters
from sliced
inner join clusters
    on
        sliced.benchmark = clusters.benchmark
        and sliced.block = clusters.block
