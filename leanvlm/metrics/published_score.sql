-- published_score: what a cell reaches by the rule, and on the scale, of its benchmark's owners.
--
-- Grain:     one row per model, recipe, benchmark whose samples name such a rule.
-- Unit:      the owners' own: 0 to 100, for pairs 0 to 200 a kind, added up. Higher is better. low and high:
--            95 % interval, samples of one group together. n_ungraded: answers that a judge is still to read,
--            or could not; they are left out.
-- Source:    the benchmarks' papers, each as leanvlm/benchmarks names it. mean: over samples. mean_of_1000:
--            the same per thousand (OCRBench). mean_of_kinds: over kinds, of the mean of each (MMStar).
--            circular: the share of groups that are right in every sample (MMBench). pairs: per kind, the
--            share of samples and the share of groups that are right in every sample, added up (MME).
--            Interval: the delta method for ratios, cut at the ends of the scale.
-- Departs:   nobody prints an interval for these.
-- Reads:     grades, samples.
-- Undefined: null where no answer is graded.

with

graded as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        samples.aggregate,
        samples.group_id,
        case when samples.aggregate in ('mean_of_kinds', 'pairs') then samples.kind else '' end as kind,
        grades.published_grade
    from grades
    inner join samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
    where samples.aggregate is not null

),

worth as (

    -- what each group adds to each ratio: its samples one by one, or all of them as one
    select
        model,
        recipe,
        benchmark,
        aggregate,
        group_id,
        kind,
        'samples' as counted,
        sum(cast(round(published_grade * 1000000000) as bigint)) as grade,
        count(published_grade) as n
    from graded
    where aggregate != 'circular'
    group by all
    union all
    select
        model,
        recipe,
        benchmark,
        aggregate,
        group_id,
        kind,
        'groups' as counted,
        cast(round(min(published_grade) * 1000000000) as bigint) as grade,
        1 as n
    from graded
    where aggregate in ('pairs', 'circular')
    group by all
    having count(published_grade) = count(*)

),

ratios as (

    select
        model,
        recipe,
        benchmark,
        aggregate,
        kind,
        counted,
        sum(n) as n,
        sum(grade) / 1e9 / sum(n) as ratio
    from worth
    group by all
    having sum(n) > 0

),

weighted as (

    select
        *,
        case
            when aggregate = 'mean_of_1000' then 1000
            when aggregate = 'mean_of_kinds' then 100 / count(*) over (partition by model, recipe, benchmark)
            else 100
        end as weight
    from ratios

),

influences as (

    -- how far a group moves the whole
    select
        worth.model,
        worth.recipe,
        worth.benchmark,
        worth.group_id,
        sum(
            weighted.weight * (worth.grade / 1e9 - weighted.ratio * worth.n) / weighted.n
            order by worth.kind, worth.counted
        ) as influence
    from worth
    inner join weighted
        on
            worth.model = weighted.model
            and worth.recipe = weighted.recipe
            and worth.benchmark = weighted.benchmark
            and worth.kind = weighted.kind
            and worth.counted = weighted.counted
    group by all

),

errors as (

    select
        model,
        recipe,
        benchmark,
        sqrt(sum(influence * influence order by group_id)) as standard_error
    from influences
    group by all

),

scores as (

    select
        model,
        recipe,
        benchmark,
        sum(weight * ratio order by kind, counted) as score,
        sum(weight order by kind, counted) as most
    from weighted
    group by all

),

counts as (

    select
        model,
        recipe,
        benchmark,
        aggregate,
        count(*) as n_samples,
        count(*) - count(published_grade) as n_ungraded
    from graded
    group by all

)

select
    counts.model,
    counts.recipe,
    counts.benchmark,
    counts.aggregate,
    counts.n_samples,
    counts.n_ungraded,
    round(scores.score, 9) as published_score,
    round(greatest(0 * scores.score, scores.score - 1.96 * errors.standard_error), 9) as low,
    round(least(scores.most, scores.score + 1.96 * errors.standard_error), 9) as high
from counts
left join scores
    on
        counts.model = scores.model
        and counts.recipe = scores.recipe
        and counts.benchmark = scores.benchmark
left join errors
    on
        counts.model = errors.model
        and counts.recipe = errors.recipe
        and counts.benchmark = errors.benchmark
order by counts.model, counts.recipe, counts.benchmark
