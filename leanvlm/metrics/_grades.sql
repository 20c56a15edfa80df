-- _grades: the grades of each cell, in the order of positions.
--
-- Grain:     one row per model, recipe, benchmark, block.
-- Unit:      billionths: a list of the grades that exist, in whole billionths, whose sums are the same in any
--            order. is_graded: a bit per position of the block, 1 = graded.
-- Source:    ours.
-- Reads:     grades, steps.samples, steps.left_out.
-- Undefined: never null; no row where no answer is graded.

select
    grades.model,
    grades.recipe,
    grades.benchmark,
    samples.block,
    list(cast(round(grades.grade * 1000000000) as bigint) order by samples.position) as billionths,
    bitstring_agg(samples.position, cast(0 as bigint), cast(1023 as bigint)) as is_graded
from grades
inner join steps.samples as samples
    on
        grades.benchmark = samples.benchmark
        and grades.sample_id = samples.sample_id
anti join steps.left_out as left_out
    on
        grades.model = left_out.model
        and grades.benchmark = left_out.benchmark
        and grades.sample_id = left_out.sample_id
group by all
