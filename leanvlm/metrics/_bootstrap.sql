-- _bootstrap: each cell's mean grade in each replicate, beside the full model's in the same replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate.
-- Unit:      mean_grade and full_mean_grade 0 to 1; accuracy_kept their ratio.
-- Source:    Efron and Tibshirani 1993, chapter 6; paired, since each replicate weighs all recipes' samples
--            alike.
-- Reads:     grades, _resamples.
-- Undefined: the full columns are null without controls/full, the ratio where the full mean grade is 0.

with

billionths as (

    -- whole numbers, since sums of floats differ in their last digits from run to run
    select
        model,
        recipe,
        benchmark,
        sample_id,
        cast(round(grade * 1000000000) as bigint) as grade
    from grades

),

cell_means as (

    select
        billionths.model,
        billionths.recipe,
        billionths.benchmark,
        _resamples.replicate,
        sum(billionths.grade * _resamples.times) / sum(_resamples.times) / 1000000000 as mean_grade
    from billionths
    inner join _resamples
        on
            billionths.benchmark = _resamples.benchmark
            and billionths.sample_id = _resamples.sample_id
    group by all

),

full_means as (

    select
        model,
        benchmark,
        replicate,
        mean_grade as full_mean_grade
    from cell_means
    where recipe = 'controls/full'

),

joined as (

    select
        cell_means.model,
        cell_means.recipe,
        cell_means.benchmark,
        cell_means.replicate,
        cell_means.mean_grade,
        full_means.full_mean_grade,
        cell_means.mean_grade / nullif(full_means.full_mean_grade, 0) as accuracy_kept
    from cell_means
    left join full_means
        on
            cell_means.model = full_means.model
            and cell_means.benchmark = full_means.benchmark
            and cell_means.replicate = full_means.replicate

)

select * from joined
