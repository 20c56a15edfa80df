-- _losses: what each recipe loses at each level, in each replicate of the bootstrap.
--
-- Grain:     one row per model, recipe, benchmark, knob, level, replicate; replicate 0 is the data.
-- Unit:      mean grade of the full model less the recipe's, over the same samples.
-- Source:    Poisson bootstrap, as metrics/_draws.sql has it; each level draws its own
--            pictures, so levels are resampled independently.
-- Reads:     ablation, steps.samples, steps.draws.
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

),

draws as (

    -- how often each question of a level counts
    select
        samples.benchmark,
        samples.sample_id,
        unnest(range(len(draws.times))) as replicate,
        unnest(draws.times) as times
    from steps.samples as samples
    inner join steps.draws as draws
        on
            samples.benchmark = draws.benchmark
            and samples.picture_index = draws.picture_index

)

select
    pairs.model,
    pairs.recipe,
    pairs.benchmark,
    pairs.knob,
    pairs.position,
    pairs.level,
    draws.replicate,
    sum(pairs.billionths * draws.times) / sum(draws.times) / 1000000000 as loss
from pairs
inner join draws
    on
        concat(pairs.benchmark, ':', pairs.knob, '=', pairs.level) = draws.benchmark
        and pairs.sample_id = draws.sample_id
group by all
having sum(draws.times) > 0
