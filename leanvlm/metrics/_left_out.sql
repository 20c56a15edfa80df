-- _left_out: the samples that no mean of a model counts, since one of its recipes' answers has no grade.
--
-- Grain:     one row per model, benchmark, sample_id.
-- Unit:      none; a sample is in the list or not.
-- Source:    ours: where a judge gave no grade the answer is not taken for wrong; ratios and differences of
--            recipes are taken over the same samples, so all of them go without it.
-- Reads:     grades.
-- Undefined: never null; no row where every answer has a grade.

select distinct
    model,
    benchmark,
    sample_id
from grades
where grade is null
