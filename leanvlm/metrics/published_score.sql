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
--            over_reference: the grades' sum over that of the right answers by the same judge (LLaVA-Wilder),
--            which can be above 100. Interval: the delta method for ratios, cut at the ends of the scale.
-- Departs:   nobody prints an interval for these.
-- Reads:     grades, samples, steps.owners_sums.
-- Undefined: null where no answer is graded, or the right answers are worth 0.

with

ratios as (

    select
        model,
        recipe,
        benchmark,
        aggregate,
        kind,
        counted,
        sum(out_of_billionths) / 1e9 as out_of,
        sum(billionths) / 1e9 / (sum(out_of_billionths) / 1e9) as ratio
    from steps.owners_sums
    group by all
    having sum(out_of_billionths) > 0

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
        sums.model,
        sums.recipe,
        sums.benchmark,
        sums.group_id,
        sum(
            weighted.weight
            * (sums.billionths / 1e9 - weighted.ratio * (sums.out_of_billionths / 1e9)) / weighted.out_of
            order by sums.kind, sums.counted
        ) as influence
    from steps.owners_sums as sums
    inner join weighted
        on
            sums.model = weighted.model
            and sums.recipe = weighted.recipe
            and sums.benchmark = weighted.benchmark
            and sums.kind = weighted.kind
            and sums.counted = weighted.counted
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
        grades.model,
        grades.recipe,
        grades.benchmark,
        samples.aggregate,
        count(*) as n_samples,
        count(*) - count(grades.published_grade) as n_ungraded
    from grades
    inner join samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
    where samples.aggregate is not null
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
    round(
        case
            when counts.aggregate = 'over_reference' then scores.score + 1.96 * errors.standard_error
            else least(scores.most, scores.score + 1.96 * errors.standard_error)
        end,
        9
    ) as high
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
