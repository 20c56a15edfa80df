-- accuracy_above_blind: the share that a recipe keeps of what looking at the picture adds.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      (recipe - blind) / (full - blind); 1.0 = the full model, 0.0 = no picture. Higher is better.
--            low and high: 95 % interval, paired over samples.
-- Source:    ours; chance flatters plain ratios, since a guess is right as often without the picture.
-- Reads:     accuracy, _bootstrap.
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

blind_replicates as (

    select
        model,
        benchmark,
        replicate,
        mean_grade as blind_mean_grade,
        full_mean_grade - mean_grade as gain
    from _bootstrap
    where recipe = 'controls/blind'

),

gains as (

    select
        model,
        benchmark,
        quantile_cont(gain, 0.025) > 0 as is_beyond_error
    from blind_replicates
    group by all

),

replicates as (

    select
        _bootstrap.model,
        _bootstrap.recipe,
        _bootstrap.benchmark,
        (_bootstrap.mean_grade - blind_replicates.blind_mean_grade) / nullif(blind_replicates.gain, 0)
            as accuracy_above_blind
    from _bootstrap
    inner join blind_replicates
        on
            _bootstrap.model = blind_replicates.model
            and _bootstrap.benchmark = blind_replicates.benchmark
            and _bootstrap.replicate = blind_replicates.replicate

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        quantile_cont(accuracy_above_blind, 0.025) as low,
        quantile_cont(accuracy_above_blind, 0.975) as high
    from replicates
    group by all

),

shares as (

    select
        accuracy.model,
        accuracy.recipe,
        accuracy.benchmark,
        accuracy.n_samples,
        gains.is_beyond_error,
        (accuracy.accuracy - ends.blind_accuracy) / nullif(ends.full_accuracy - ends.blind_accuracy, 0)
            as accuracy_above_blind
    from accuracy
    inner join ends
        on
            accuracy.model = ends.model
            and accuracy.benchmark = ends.benchmark
    inner join gains
        on
            accuracy.model = gains.model
            and accuracy.benchmark = gains.benchmark

),

joined as (

    select
        shares.model,
        shares.recipe,
        shares.benchmark,
        shares.n_samples,
        case when shares.is_beyond_error then round(shares.accuracy_above_blind, 9) end
            as accuracy_above_blind,
        case when shares.is_beyond_error then round(intervals.low, 9) end as low,
        case when shares.is_beyond_error then round(intervals.high, 9) end as high
    from shares
    left join intervals
        on
            shares.model = intervals.model
            and shares.recipe = intervals.recipe
            and shares.benchmark = intervals.benchmark

)

select * from joined
order by model, recipe, benchmark
