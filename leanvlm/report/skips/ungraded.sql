-- ungraded: answers that a judge should have graded and did not, and the samples that no mean counts for it.
--
-- Grain: one row per model, benchmark.
-- Unit:  n_answers: ungraded answers of all recipes; reason: of the first of them.
-- Reads: ungraded, grades, answers, judgements.

with

counts as (

    select
        model,
        benchmark,
        cast(sum(ungraded) as bigint) as n_answers,
        max(n_left_out) as n_left_out,
        max(n_samples) as n_samples
    from ungraded
    group by all
    having sum(ungraded) > 0

),

reasons as (

    select
        grades.model,
        grades.benchmark,
        arg_min(judgements.problem, grades.sample_id) as reason
    from grades
    inner join answers
        on
            grades.model = answers.model
            and grades.recipe = answers.recipe
            and grades.benchmark = answers.benchmark
            and grades.sample_id = answers.sample_id
    inner join judgements
        on
            answers.benchmark = judgements.benchmark
            and answers.sample_id = judgements.sample_id
            and answers.answer = judgements.answer
    where grades.outcome = 'ungraded'
    group by all

)

select
    counts.model,
    counts.benchmark,
    counts.n_answers,
    counts.n_left_out,
    counts.n_samples,
    coalesce(reasons.reason, 'nobody was asked') as reason
from counts
left join reasons
    on counts.model = reasons.model and counts.benchmark = reasons.benchmark
order by counts.model, counts.benchmark
