-- accuracy: the mean grade of a cell, with its error.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      mean grade, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    each benchmark's own grading rule; EffiVLM-Bench, arXiv 2506.00479, calls it EM.
-- Reads:     grades, _bootstrap.
-- Undefined: never null; a cell without grades has no row.

with

cell_means as (

    select
        model,
        recipe,
        benchmark,
        count(*) as n_samples,
        avg(cast(grade as decimal(10, 9))) as accuracy
    from grades
    group by all

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        stddev_samp(mean_grade order by replicate) as standard_error,
        quantile_cont(mean_grade, 0.025) as low,
        quantile_cont(mean_grade, 0.975) as high
    from _bootstrap
    group by all

),

joined as (

    select
        cell_means.model,
        cell_means.recipe,
        cell_means.benchmark,
        cell_means.n_samples,
        round(cell_means.accuracy, 9) as accuracy,
        round(intervals.standard_error, 9) as standard_error,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high
    from cell_means
    left join intervals
        on
            cell_means.model = intervals.model
            and cell_means.recipe = intervals.recipe
            and cell_means.benchmark = intervals.benchmark

)

select * from joined
order by model, recipe, benchmark
