-- _grade_sums: the sum of each cell's grades in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate; replicate 0 is the data.
-- Unit:      n_samples: how often samples count in all; billionths: their grades' sum, in whole billionths.
-- Source:    Efron and Tibshirani 1993, chapter 6; paired, since each replicate weighs all recipes' samples
--            alike.
-- Departs:   `tally` computes the same whole numbers as a product of matrices (sums.py), since this join of
--            samples with replicates takes minutes for ten million grades; a test holds both to be equal.
-- Reads:     steps.grades, steps.samples, steps.draws.
-- Undefined: never null; a sample without a grade counts in no replicate.

with

counts as (

    select
        benchmark,
        picture_index,
        unnest(times) as times,
        unnest(range(len(times))) as replicate
    from steps.draws

),

graded as (

    select
        model,
        recipe,
        benchmark,
        block,
        unnest(billionths) as billionths,
        unnest(
            list_filter(range(1024), lambda position: get_bit(is_graded, cast(position as integer)) = 1)
        ) as position
    from steps.grades

)

select
    graded.model,
    graded.recipe,
    graded.benchmark,
    counts.replicate,
    cast(sum(counts.times) as bigint) as n_samples,
    cast(sum(counts.times * graded.billionths) as bigint) as billionths
from graded
inner join steps.samples as samples
    on
        graded.benchmark = samples.benchmark
        and graded.block = samples.block
        and graded.position = samples.position
inner join counts
    on
        samples.benchmark = counts.benchmark
        and samples.picture_index = counts.picture_index
group by all
having sum(counts.times) > 0
order by graded.model, graded.recipe, graded.benchmark, counts.replicate
