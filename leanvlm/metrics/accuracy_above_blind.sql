-- accuracy_above_blind: the share that a recipe keeps of what looking at the picture adds.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      (recipe - blind) / (full - blind); 1.0 = the full model, 0.0 = no picture. Higher is better.
--            low and high: 95 % interval, paired over samples.
-- Source:    ours; chance flatters plain ratios, since a guess is right as often without the picture.
-- Reads:     accuracy, _above_blind_bootstrap.
-- Undefined: null where full - blind is within its error: its 95 % interval does not lie above 0. No row
--            where a benchmark was not asked without the picture.

with

ends as (

    select
        full_cells.model,
        full_cells.benchmark,
        full_cells.accuracy as full_accuracy,
        blind_cells.accuracy as blind_accuracy
    from accuracy as full_cells
    inner join accuracy as blind_cells
        on
            full_cells.model = blind_cells.model
            and full_cells.benchmark = blind_cells.benchmark
    where
        full_cells.recipe = 'controls/full'
        and blind_cells.recipe = 'controls/blind'

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        quantile_cont(gain, 0.025) > 0 as is_beyond_error,
        quantile_cont(accuracy_above_blind, 0.025) as low,
        quantile_cont(accuracy_above_blind, 0.975) as high
    from _above_blind_bootstrap
    group by all

),

shares as (

    select
        accuracy.model,
        accuracy.recipe,
        accuracy.benchmark,
        accuracy.n_samples,
        (accuracy.accuracy - ends.blind_accuracy) / nullif(ends.full_accuracy - ends.blind_accuracy, 0)
            as accuracy_above_blind
    from accuracy
    inner join ends
        on
            accuracy.model = ends.model
            and accuracy.benchmark = ends.benchmark

),

joined as (

    select
        shares.model,
        shares.recipe,
        shares.benchmark,
        shares.n_samples,
        case when intervals.is_beyond_error then round(shares.accuracy_above_blind, 9) end
            as accuracy_above_blind,
        case when intervals.is_beyond_error then round(intervals.low, 9) end as low,
        case when intervals.is_beyond_error then round(intervals.high, 9) end as high
    from shares
    left join intervals
        on
            shares.model = intervals.model
            and shares.recipe = intervals.recipe
            and shares.benchmark = intervals.benchmark

)

select * from joined
order by model, recipe, benchmark
