-- accuracy_kept: the share of the full model's accuracy that a recipe keeps.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      ratio, 1.0 = the full model. Higher is better. low and high: 95 % interval, paired over
--            samples.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio inside overall performance.
-- Reads:     accuracy, _bootstrap.
-- Undefined: null where the full model's mean grade is 0; no row without controls/full.

with

full_cells as (

    -- the full model keeps everything, so it has one cell per benchmark
    select
        model,
        benchmark,
        accuracy as full_accuracy
    from accuracy
    where recipe = 'controls/full'

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        quantile_cont(accuracy_kept, 0.025) as low,
        quantile_cont(accuracy_kept, 0.975) as high
    from _bootstrap
    group by all

),

joined as (

    select
        accuracy.model,
        accuracy.recipe,
        accuracy.benchmark,
        accuracy.n_samples,
        round(accuracy.accuracy / nullif(full_cells.full_accuracy, 0), 9) as accuracy_kept,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high
    from accuracy
    inner join full_cells
        on
            accuracy.model = full_cells.model
            and accuracy.benchmark = full_cells.benchmark
    left join intervals
        on
            accuracy.model = intervals.model
            and accuracy.recipe = intervals.recipe
            and accuracy.benchmark = intervals.benchmark

)

select * from joined
order by model, recipe, benchmark
