-- ungraded: how many answers of a cell a judge should have graded and did not.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      number of answers. n_left_out: samples that no mean of the cell counts, since this recipe's
--            answer or another's has no grade; n_samples: all samples of the cell.
-- Source:    ours; an answer without a grade is neither wrong nor right, so it must be counted apart.
-- Reads:     grades, steps.left_out.
-- Undefined: never null; a cell without answers has no row.

select
    grades.model,
    grades.recipe,
    grades.benchmark,
    count(*) as n_samples,
    count(*) filter (where grades.grade is null) as ungraded,
    count(left_out.sample_id) as n_left_out
from grades
left join steps.left_out as left_out
    on
        grades.model = left_out.model
        and grades.benchmark = left_out.benchmark
        and grades.sample_id = left_out.sample_id
group by all
order by grades.model, grades.recipe, grades.benchmark
