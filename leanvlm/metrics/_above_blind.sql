-- _above_blind: the share kept of what looking at the picture adds, in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate; replicate 0 is the data.
-- Unit:      (recipe - blind) / (full - blind), to nine digits; gain: full - blind, in mean grade, -1 to 1.
-- Source:    ours; chance flatters plain ratios, since a guess is right as often without the picture.
-- Reads:     steps.accuracy.
-- Undefined: null where full and blind are equal. No row where a benchmark was not asked without the picture.

with

gains as (

    select
        full_accuracy.model,
        full_accuracy.benchmark,
        full_accuracy.replicate,
        blind_accuracy.mean_grade as blind_mean_grade,
        full_accuracy.mean_grade - blind_accuracy.mean_grade as gain
    from steps.accuracy as full_accuracy
    inner join steps.accuracy as blind_accuracy
        on
            full_accuracy.model = blind_accuracy.model
            and full_accuracy.benchmark = blind_accuracy.benchmark
            and full_accuracy.replicate = blind_accuracy.replicate
            and full_accuracy.recipe = 'controls/full'
            and blind_accuracy.recipe = 'controls/blind'

)

select
    accuracy.model,
    accuracy.recipe,
    accuracy.benchmark,
    accuracy.replicate,
    accuracy.n_samples,
    gains.gain,
    round((accuracy.mean_grade - gains.blind_mean_grade) / nullif(gains.gain, 0), 9) as accuracy_above_blind
from steps.accuracy as accuracy
inner join gains
    on
        accuracy.model = gains.model
        and accuracy.benchmark = gains.benchmark
        and accuracy.replicate = gains.replicate
