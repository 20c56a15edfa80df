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
-- Reads:     grades of the two recipes, _bootstrap.
-- Variables: recipe, other.
-- Undefined: no row for a benchmark that only one of the two was asked; mcnemar_p takes samples
--            of one picture for independent, low and high do not.

with

pairs as (

    select
        grades.model,
        grades.benchmark,
        grades.grade,
        other_grades.grade as other_grade,
        cast(grades.outcome = 'right' as integer) as is_right,
        cast(other_grades.outcome = 'right' as integer) as is_other_right
    from grades
    inner join grades as other_grades
        on
            grades.model = other_grades.model
            and grades.benchmark = other_grades.benchmark
            and grades.sample_id = other_grades.sample_id
    where
        grades.recipe = getvariable('recipe')
        and other_grades.recipe = getvariable('other')

),

benchmark_counts as (

    select
        model,
        benchmark,
        count(*) as n_samples,
        avg(cast(grade as decimal(10, 9))) as accuracy,
        avg(cast(other_grade as decimal(10, 9))) as other_accuracy,
        sum(is_right * (1 - is_other_right)) as n_only_right,
        sum(is_other_right * (1 - is_right)) as n_only_other_right
    from pairs
    group by all

),

unrounded as (

    select
        model,
        benchmark,
        n_samples,
        accuracy,
        other_accuracy,
        n_only_right,
        n_only_other_right
    from benchmark_counts
    union all
    select
        model,
        'all' as benchmark,
        sum(n_samples) as n_samples,
        avg(accuracy order by benchmark) as accuracy,
        avg(other_accuracy order by benchmark) as other_accuracy,
        sum(n_only_right) as n_only_right,
        sum(n_only_other_right) as n_only_other_right
    from benchmark_counts
    group by model
    having count(*) > 1

),

counts as (

    select
        model,
        benchmark,
        cast(n_samples as bigint) as n_samples,
        cast(n_only_right as bigint) as n_only_right,
        cast(n_only_other_right as bigint) as n_only_other_right,
        round(accuracy, 9) as accuracy,
        round(other_accuracy, 9) as other_accuracy,
        round(accuracy - other_accuracy, 9) as difference
    from unrounded

),

p_values as (

    -- twice the smaller tail of the binomial, by logarithms so that no factorial overflows
    select
        model,
        benchmark,
        n_only_right + n_only_other_right as n_uneven,
        list_transform(
            range(least(n_only_right, n_only_other_right) + 1),
            lambda k: exp(
                lgamma(n_uneven + 1) - lgamma(k + 1) - lgamma(n_uneven - k + 1) - n_uneven * ln(2)
            )
        ) as chances,
        round(least(1, 2 * list_sum(chances)), 9) as mcnemar_p
    from counts

),

benchmark_replicates as (

    select
        _bootstrap.model,
        _bootstrap.benchmark,
        _bootstrap.replicate,
        _bootstrap.mean_grade - other_cells.mean_grade as difference
    from _bootstrap
    inner join _bootstrap as other_cells
        on
            _bootstrap.model = other_cells.model
            and _bootstrap.benchmark = other_cells.benchmark
            and _bootstrap.replicate = other_cells.replicate
    where
        _bootstrap.recipe = getvariable('recipe')
        and other_cells.recipe = getvariable('other')

),

replicates as (

    select
        model,
        replicate,
        benchmark,
        difference
    from benchmark_replicates
    union all
    select
        model,
        replicate,
        'all' as benchmark,
        avg(difference order by benchmark) as difference
    from benchmark_replicates
    group by model, replicate

),

intervals as (

    select
        model,
        benchmark,
        round(quantile_cont(difference, 0.025), 9) as low,
        round(quantile_cont(difference, 0.975), 9) as high,
        case
            when low > 0 then 'better'
            when high < 0 then 'worse'
            else 'tie'
        end as verdict
    from replicates
    group by all

),

joined as (

    select
        counts.model,
        counts.benchmark,
        counts.n_samples,
        counts.accuracy,
        counts.other_accuracy,
        counts.difference,
        intervals.low,
        intervals.high,
        intervals.verdict,
        counts.n_only_right,
        counts.n_only_other_right,
        p_values.mcnemar_p
    from counts
    inner join intervals
        on
            counts.model = intervals.model
            and counts.benchmark = intervals.benchmark
    inner join p_values
        on
            counts.model = p_values.model
            and counts.benchmark = p_values.benchmark

)

select * from joined
order by model, benchmark = 'all', benchmark
