-- _owners_sums: what each group of samples adds to each ratio that its benchmark's owners sum up.
--
-- Grain:     one row per model, recipe, benchmark, aggregate, group_id, kind, counted.
-- Unit:      counted: samples, one by one, or groups, right where every sample is. kind: '' where the owners
--            tell none apart. billionths: the grades' sum; out_of_billionths: what it is divided by: how many
--            are graded, or the sum of the right answers' grades (over_reference).
-- Source:    as published_score.
-- Reads:     grades, samples.
-- Undefined: never null; no row where no answer is graded, nor for a group that is graded in part.

with

graded as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        samples.aggregate,
        samples.group_id,
        case when samples.aggregate in ('mean_of_kinds', 'pairs') then samples.kind else '' end as kind,
        cast(round(grades.published_grade * 1000000000) as bigint) as billionths,
        case
            when samples.aggregate = 'over_reference'
                then cast(round(grades.published_reference * 1000000000) as bigint)
            else 1000000000
        end as out_of_billionths
    from grades
    inner join samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
    where samples.aggregate is not null

),

one_by_one as (

    select
        model,
        recipe,
        benchmark,
        aggregate,
        group_id,
        kind,
        'samples' as counted,
        sum(billionths) as billionths,
        sum(out_of_billionths) as out_of_billionths
    from graded
    where
        aggregate != 'circular'
        and billionths is not null
    group by all

),

all_as_one as (

    select
        model,
        recipe,
        benchmark,
        aggregate,
        group_id,
        kind,
        'groups' as counted,
        min(billionths) as billionths,
        1000000000 as out_of_billionths
    from graded
    where aggregate in ('pairs', 'circular')
    group by all
    having count(billionths) = count(*)

)

select * from one_by_one
union all
select * from all_as_one
