-- accuracy_kept_sliced: the share of the full model's accuracy that a recipe keeps on one kind of samples.
--
-- Grain:     one row per model, recipe, sliced_by, slice.
-- Unit:      ratio, 1.0 = the full model. Higher is better. Samples count alike, whatever their benchmark.
--            low and high: 95 % interval, paired over samples.
-- Source:    difficulty, as samples that downsampling fails: VTC-Bench; the rest ours. Interval: the delta
--            method for a ratio, samples of one picture together.
-- Departs:   of samples chosen because a control fails them, the control itself keeps nothing.
-- Reads:     _grades, _slices.
-- Undefined: null where the full model's grades are all 0; no row without controls/full.

with

full_grades as (

    select
        model,
        benchmark,
        block,
        grades as full_grades,
        is_graded as is_full_graded
    from _grades
    where recipe = 'controls/full'

),

paired as (

    select
        _grades.model,
        _grades.recipe,
        _grades.benchmark,
        _grades.block,
        unnest(_grades.grades) as grade,
        unnest(full_grades.full_grades) as full_grade,
        unnest(_grades.is_graded) * unnest(full_grades.is_full_graded) as is_paired,
        unnest(range(len(_grades.grades))) as place
    from _grades
    inner join full_grades
        on
            _grades.model = full_grades.model
            and _grades.benchmark = full_grades.benchmark
            and _grades.block = full_grades.block

),

pictures as (

    select
        paired.model,
        paired.recipe,
        paired.benchmark,
        _slices.sliced_by,
        _slices.slice,
        _slices.group_id,
        count(*) as n_samples,
        sum(paired.grade) / 1000000000 as grade,
        sum(paired.full_grade) / 1000000000 as full_grade
    from paired
    inner join _slices
        on
            paired.model = _slices.model
            and paired.benchmark = _slices.benchmark
            and paired.block = _slices.block
            and paired.place = _slices.place
    where paired.is_paired = 1
    group by all

),

sums as (

    -- squares in millionths, as whole numbers, so that their sums are the same in any order
    select
        model,
        recipe,
        sliced_by,
        slice,
        count(distinct benchmark) as n_benchmarks,
        sum(n_samples) as n_samples,
        sum(cast(round(grade * 1000000000) as bigint)) / 1000000000 as grade,
        sum(cast(round(full_grade * 1000000000) as bigint)) / 1000000000 as full_grade,
        sum(cast(round(grade * grade * 1000000000) as bigint)) / 1000000000 as squares,
        sum(cast(round(full_grade * full_grade * 1000000000) as bigint)) / 1000000000 as full_squares,
        sum(cast(round(grade * full_grade * 1000000000) as bigint)) / 1000000000 as products
    from pictures
    group by all

),

ratios as (

    select
        model,
        recipe,
        sliced_by,
        slice,
        n_benchmarks,
        n_samples,
        grade / n_samples as accuracy,
        full_grade / n_samples as full_accuracy,
        grade / nullif(full_grade, 0) as kept,
        sqrt(greatest(0, squares - 2 * kept * products + kept * kept * full_squares)) / nullif(full_grade, 0)
            as standard_error
    from sums

),

rounded as (

    select
        model,
        recipe,
        sliced_by,
        slice,
        n_benchmarks,
        cast(n_samples as bigint) as n_samples,
        round(accuracy, 9) as accuracy,
        round(full_accuracy, 9) as full_accuracy,
        round(kept, 9) as accuracy_kept_sliced,
        round(kept - 1.96 * standard_error, 9) as low,
        round(kept + 1.96 * standard_error, 9) as high
    from ratios

)

select * from rounded
order by model, recipe, sliced_by, slice
