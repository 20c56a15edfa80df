-- compare: by how much one recipe's answers are better than another's to the same samples.
--
-- Grain:     one row per model, benchmark; then, with several benchmarks, one for all of them
--            ('all').
-- Unit:      accuracies and their difference 0 to 1, recipe less other, over all benchmarks their
--            mean; low and high: 95 % interval of the difference, paired over samples. verdict:
--            better, tie (0 is inside the interval) or worse. n_only_right: samples that only the
--            recipe answers rightly (outcome right), n_only_other_right the reverse. mcnemar_p:
--            the chance of a split at least as uneven, were both alike.
-- Source:    interval: Efron and Tibshirani 1993, chapter 6; p: McNemar 1947, exact (binomial,
--            two-sided).
-- Reads:     grades of the two recipes, steps.accuracy, steps.left_out.
-- Variables: recipe, other.
-- Undefined: no row for a benchmark that only one of the two was asked; mcnemar_p takes samples
--            of one picture for independent, low and high do not.

with

right_answers as (

    select
        grades.model,
        grades.benchmark,
        count(*) filter (
            where grades.outcome = 'right' and other_grades.outcome is distinct from 'right'
        )
            as n_only_right,
        count(*) filter (
            where grades.outcome is distinct from 'right' and other_grades.outcome = 'right'
        )
            as n_only_other_right
    from grades
    inner join grades as other_grades
        on
            grades.model = other_grades.model
            and grades.benchmark = other_grades.benchmark
            and grades.sample_id = other_grades.sample_id
    anti join steps.left_out as left_out
        on
            grades.model = left_out.model
            and grades.benchmark = left_out.benchmark
            and grades.sample_id = left_out.sample_id
    where
        grades.recipe = getvariable('recipe')
        and other_grades.recipe = getvariable('other')
    group by all

),

paired as (

    select
        accuracy.model,
        accuracy.benchmark,
        accuracy.replicate,
        accuracy.n_samples,
        right_answers.n_only_right,
        right_answers.n_only_other_right,
        accuracy.mean_grade,
        other_accuracy.mean_grade as other_mean_grade
    from steps.accuracy as accuracy
    inner join steps.accuracy as other_accuracy
        on
            accuracy.model = other_accuracy.model
            and accuracy.benchmark = other_accuracy.benchmark
            and accuracy.replicate = other_accuracy.replicate
    inner join right_answers
        on
            accuracy.model = right_answers.model
            and accuracy.benchmark = right_answers.benchmark
    where
        accuracy.recipe = getvariable('recipe')
        and other_accuracy.recipe = getvariable('other')

),

replicates as (

    select * from paired
    union all
    select
        model,
        'all' as benchmark,
        replicate,
        sum(n_samples) as n_samples,
        sum(n_only_right) as n_only_right,
        sum(n_only_other_right) as n_only_other_right,
        avg(mean_grade order by benchmark) as mean_grade,
        avg(other_mean_grade order by benchmark) as other_mean_grade
    from paired
    group by model, replicate
    having count(*) > 1

),

compared as (

    select
        model,
        benchmark,
        cast(any_value(n_samples) filter (where replicate = 0) as bigint) as n_samples,
        cast(any_value(n_only_right) filter (where replicate = 0) as bigint) as n_only_right,
        cast(any_value(n_only_other_right) filter (where replicate = 0) as bigint)
            as n_only_other_right,
        point(mean_grade, replicate) as accuracy,
        point(other_mean_grade, replicate) as other_accuracy,
        point(mean_grade - other_mean_grade, replicate) as difference,
        low(mean_grade - other_mean_grade, replicate) as low,
        high(mean_grade - other_mean_grade, replicate) as high
    from replicates
    group by all

)

select
    model,
    benchmark,
    n_samples,
    accuracy,
    other_accuracy,
    difference,
    low,
    high,
    n_only_right,
    n_only_other_right,
    case when low > 0 then 'better' when high < 0 then 'worse' else 'tie' end as verdict,
    mcnemar_p(n_only_right, n_only_other_right) as mcnemar_p
from compared
order by model, benchmark = 'all', benchmark
