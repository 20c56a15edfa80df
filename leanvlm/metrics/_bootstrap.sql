-- _bootstrap: each cell's mean grade in each replicate, beside the full model's in the same replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate.
-- Unit:      mean_grade and full_mean_grade 0 to 1; accuracy_kept their ratio.
-- Source:    Efron and Tibshirani 1993, chapter 6; paired, since each replicate weighs all recipes' samples
--            alike.
-- Reads:     _grades, _resamples.
-- Undefined: the full columns are null without controls/full, the ratio where the full mean grade is 0. No
--            row where no sample counts.

with

sums as (

    select
        _grades.model,
        _grades.recipe,
        _grades.benchmark,
        _resamples.replicate,
        sum(list_dot_product(_grades.grades, _resamples.times)) as grade,
        sum(
            case
                when _grades.n_graded = len(_resamples.times) then _resamples.n_times
                else list_dot_product(_grades.is_graded, _resamples.times)
            end
        ) as n_times
    from _grades
    inner join _resamples
        on
            _grades.benchmark = _resamples.benchmark
            and _grades.block = _resamples.block
    group by all

),

cell_means as (

    select
        model,
        recipe,
        benchmark,
        replicate,
        grade / n_times / 1000000000 as mean_grade
    from sums
    where n_times > 0

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
