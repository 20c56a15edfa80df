-- _outcomes: which samples of a cell have which outcome.
--
-- Grain:     one row per model, recipe, benchmark, block, outcome.
-- Unit:      has_outcome: a bit per position of the block; `a & b` are the samples that are in both.
-- Source:    ours.
-- Reads:     grades, steps.samples.
-- Undefined: never null.

select
    grades.model,
    grades.recipe,
    grades.benchmark,
    samples.block,
    grades.outcome,
    bitstring_agg(samples.position, cast(0 as bigint), cast(1023 as bigint)) as has_outcome
from grades
inner join steps.samples as samples
    on
        grades.benchmark = samples.benchmark
        and grades.sample_id = samples.sample_id
where grades.outcome is not null
group by all
