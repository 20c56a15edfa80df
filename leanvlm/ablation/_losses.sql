-- _losses: what each recipe loses at each level, in each replicate of the bootstrap.
--
-- Grain:     one row per model, recipe, benchmark, knob, level, replicate.
-- Unit:      mean grade of the full model less the recipe's, over the same samples.
-- Source:    Poisson bootstrap, as _resamples.sql has it; each level draws its own pictures, so
--            levels are resampled independently.
-- Reads:     ablation, _resamples.
-- Undefined: a replicate in which a level has no sample has no row.

with

pairs as (

    -- whole numbers, since sums of floats differ in their last digits from run to run
    select
        ablation.*,
        cast(round((full_answers.grade - ablation.grade) * 1000000000) as bigint) as billionths
    from ablation
    inner join ablation as full_answers
        on
            ablation.model = full_answers.model
            and ablation.benchmark = full_answers.benchmark
            and ablation.knob = full_answers.knob
            and ablation.level = full_answers.level
            and ablation.sample_id = full_answers.sample_id
            and full_answers.recipe = 'controls/full'

)

select
    pairs.model,
    pairs.recipe,
    pairs.benchmark,
    pairs.knob,
    pairs.position,
    pairs.level,
    _resamples.replicate,
    sum(pairs.billionths * _resamples.times) / sum(_resamples.times) / 1000000000 as loss
from pairs
inner join _resamples
    on
        concat(pairs.benchmark, ':', pairs.knob, '=', pairs.level) = _resamples.benchmark
        and pairs.sample_id = _resamples.sample_id
group by all
