-- accuracy_kept_sliced: the share of the full model's accuracy that a recipe keeps on one kind of samples.
--
-- Grain:     one row per model, recipe, sliced_by, slice.
-- Unit:      ratio, 1.0 = the full model. Higher is better. Samples count alike, whatever their benchmark.
--            low and high: 95 % interval, paired over samples.
-- Source:    difficulty, as samples that downsampling fails: VTC-Bench; the rest ours. Interval: the delta
--            method for a ratio, samples of one picture together.
-- Departs:   of samples chosen because a control fails them, the control itself keeps nothing.
-- Reads:     grades, steps.slices, steps.left_out.
-- Undefined: null where the full model's grades are all 0; no row without controls/full.

with

paired as (

    -- a sample of the full model belongs to a slice of each kind; its grade goes with it
    select
        slices.model,
        slices.benchmark,
        slices.sample_id,
        slices.sliced_by,
        slices.slice,
        slices.cluster_number,
        cast(round(grades.grade * 1000000000) as bigint) as full_grade
    from steps.slices as slices
    inner join grades
        on
            slices.model = grades.model
            and slices.benchmark = grades.benchmark
            and slices.sample_id = grades.sample_id
            and grades.recipe = 'controls/full'
    anti join steps.left_out as left_out
        on
            slices.model = left_out.model
            and slices.benchmark = left_out.benchmark
            and slices.sample_id = left_out.sample_id

),

cluster_sums as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        paired.sliced_by,
        paired.slice,
        paired.cluster_number,
        count(*) as n_samples,
        cast(sum(cast(round(grades.grade * 1000000000) as bigint)) as bigint) as grade,
        cast(sum(paired.full_grade) as bigint) as full_grade
    from grades
    inner join paired
        on
            grades.model = paired.model
            and grades.benchmark = paired.benchmark
            and grades.sample_id = paired.sample_id
    group by all

),

sums as (

    -- whole numbers, whose sums are the same in any order
    select
        model,
        recipe,
        sliced_by,
        slice,
        count(distinct benchmark) as n_benchmarks,
        sum(n_samples) as n_samples,
        sum(grade) / 1e9 as grade,
        sum(full_grade) / 1e9 as full_grade,
        sum(cast(grade as hugeint) * grade) / 1e18 as squares,
        sum(cast(full_grade as hugeint) * full_grade) / 1e18 as full_squares,
        sum(cast(grade as hugeint) * full_grade) / 1e18 as products
    from cluster_sums
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
