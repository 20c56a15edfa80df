-- _same_sums: how many answers of a cell are the full model's in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, matching_rule, replicate; replicate 0 is the data.
-- Unit:      number of samples, by the three rules of steps.same.
-- Source:    Efron and Tibshirani 1993, chapter 6.
-- Departs:   `tally` computes the same whole numbers as a product of matrices (sums.py), as for
--            steps.grade_sums.
-- Reads:     steps.same, steps.samples, steps.draws.
-- Undefined: never null; a sample that one of both did not answer counts in no replicate.

with

counts as (

    select
        benchmark,
        picture_index,
        unnest(times) as times,
        unnest(range(len(times))) as replicate
    from steps.draws

),

ruled as (

    select
        model,
        recipe,
        benchmark,
        block,
        is_answered,
        unnest(['raw', 'normalised', 'extracted']) as matching_rule,
        unnest([raw, normalised, extracted]) as is_same
    from steps.same

)

select
    ruled.model,
    ruled.recipe,
    ruled.benchmark,
    ruled.matching_rule,
    counts.replicate,
    cast(sum(counts.times) as bigint) as n_samples,
    cast(sum(counts.times * get_bit(ruled.is_same, cast(samples.position as integer))) as bigint) as n_same
from ruled
inner join steps.samples as samples
    on
        ruled.benchmark = samples.benchmark
        and ruled.block = samples.block
inner join counts
    on
        samples.benchmark = counts.benchmark
        and samples.picture_index = counts.picture_index
where get_bit(ruled.is_answered, cast(samples.position as integer)) = 1
group by all
having sum(counts.times) > 0
order by ruled.model, ruled.recipe, ruled.benchmark, ruled.matching_rule, counts.replicate
