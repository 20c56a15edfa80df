-- _losses: what each recipe loses of the answers that the full model gives rightly.
--
-- Grain:     one row per model, recipe, benchmark, sample_id.
-- Unit:      loss: 1 less the recipe's grade, in billionths. cluster_number is the same for samples of one
--            picture.
-- Source:    ours; where the full model is wrong there is nothing to lose. Clusters: Wolter 2007,
--            Introduction to Variance Estimation, chapter 2 (random groups).
-- Departs:   of a benchmark the first 1,024 samples, which are enough to explain losses by; 128 clusters,
--            which share pictures where there are more.
-- Reads:     grades, steps.samples, steps.left_out.
-- Undefined: no row of controls/full, of answers without a grade, or of cells that lack answers.

with

kept as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        grades.sample_id,
        samples.picture_index % 128 + 1 as cluster_number,
        1000000000 - cast(round(grades.grade * 1000000000) as bigint) as loss
    from grades
    inner join grades as full_grades
        on
            grades.model = full_grades.model
            and grades.benchmark = full_grades.benchmark
            and grades.sample_id = full_grades.sample_id
            and full_grades.recipe = 'controls/full'
            and full_grades.outcome = 'right'
    inner join steps.samples as samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
            and samples.block = 0
    anti join steps.left_out as left_out
        on
            grades.model = left_out.model
            and grades.benchmark = left_out.benchmark
            and grades.sample_id = left_out.sample_id

),

sizes as (

    select
        model,
        recipe,
        benchmark,
        count(*) as n_samples
    from kept
    group by all

)

select kept.*
from kept
inner join sizes
    on
        kept.model = sizes.model
        and kept.recipe = sizes.recipe
        and kept.benchmark = sizes.benchmark
inner join sizes as full_sizes
    on
        sizes.model = full_sizes.model
        and sizes.benchmark = full_sizes.benchmark
        and sizes.n_samples = full_sizes.n_samples
        and full_sizes.recipe = 'controls/full'
where kept.recipe != 'controls/full'
