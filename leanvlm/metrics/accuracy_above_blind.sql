-- accuracy_above_blind: the share that a recipe keeps of what looking at the picture adds.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      (recipe - blind) / (full - blind); 1.0 = the full model, 0.0 = no picture. Higher is better.
--            low and high: 95 % interval, paired over samples.
-- Source:    ours; chance flatters plain ratios, since a guess is right as often without the picture.
-- Reads:     steps.above_blind.
-- Undefined: null where full - blind is within its error: its 95 % interval does not lie above 0. No row
--            where a benchmark was not asked without the picture.

with

shares as (

    select
        model,
        recipe,
        benchmark,
        any_value(n_samples) filter (where replicate = 0) as n_samples,
        low(gain, replicate) > 0 as is_beyond_error,
        point(accuracy_above_blind, replicate) as accuracy_above_blind,
        low(accuracy_above_blind, replicate) as low,
        high(accuracy_above_blind, replicate) as high
    from steps.above_blind
    group by all

)

select
    model,
    recipe,
    benchmark,
    n_samples,
    case when is_beyond_error then accuracy_above_blind end as accuracy_above_blind,
    case when is_beyond_error then low end as low,
    case when is_beyond_error then high end as high
from shares
order by model, recipe, benchmark
