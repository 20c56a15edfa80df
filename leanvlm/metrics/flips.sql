-- flips: what becomes of answers that the full model gives rightly, partly or wrongly.
--
-- Grain:     one row per model, recipe, benchmark, full_outcome, outcome, is_same that occurs.
-- Unit:      number of samples; share_of_cell: of the cell's samples. is_same: the two answers are one in
--            one spelling, so wrong, wrong and not is_same is a wrong answer that became another wrong one.
-- Source:    ours; accuracy hides as many samples as go from right to wrong and back.
-- Reads:     _grades, _same_answers.
-- Undefined: no row without controls/full; is_same is null where answers were not stored.

with

full_grades as (

    select
        model,
        benchmark,
        block,
        outcomes as full_outcomes
    from _grades
    where recipe = 'controls/full'

),

paired as (

    select
        _grades.model,
        _grades.recipe,
        _grades.benchmark,
        unnest(full_grades.full_outcomes) as full_outcome,
        unnest(_grades.outcomes) as outcome,
        unnest(_same_answers.is_same) as is_same
    from _grades
    inner join full_grades
        on
            _grades.model = full_grades.model
            and _grades.benchmark = full_grades.benchmark
            and _grades.block = full_grades.block
    left join _same_answers
        on
            _grades.model = _same_answers.model
            and _grades.recipe = _same_answers.recipe
            and _grades.benchmark = _same_answers.benchmark
            and _grades.block = _same_answers.block

),

counts as (

    select
        model,
        recipe,
        benchmark,
        full_outcome,
        outcome,
        is_same = 1 as is_same,
        count(*) as flips
    from paired
    where full_outcome is not null and outcome is not null
    group by all

),

shares as (

    select
        model,
        recipe,
        benchmark,
        full_outcome,
        outcome,
        is_same,
        flips,
        round(flips / sum(flips) over (partition by model, recipe, benchmark), 9) as share_of_cell
    from counts

)

select * from shares
order by model, recipe, benchmark, full_outcome, outcome, is_same
