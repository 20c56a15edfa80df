-- refusals: samples that a model could not be asked, as it was or as a recipe showed it.
--
-- Grain: one row per model, benchmark.
-- Unit:  n_refused: samples that a recipe at least was not asked; reason: of the first of them.
-- Reads: answers.

select
    model,
    benchmark,
    count(distinct sample_id) filter (where refusal is not null) as n_refused,
    count(distinct sample_id) as n_samples,
    arg_min(refusal, sample_id) as reason
from answers
group by all
having n_refused > 0
order by model, benchmark
