-- coverage: whether each cell has an answer and a grade to exactly its benchmark's samples.
--
-- Grain:     one row per model, recipe, benchmark of cells, answers or grades.
-- Reads:     cells, samples, answers, grades.
-- Undefined: never null; all but n_samples are 0 where nothing is wrong.

with

places as (

    select
        cells.model,
        cells.recipe,
        cells.benchmark,
        samples.sample_id,
        1 as n_wanted,
        0 as n_answers,
        0 as n_grades
    from cells
    inner join samples
        on cells.benchmark = samples.benchmark
    union all
    select
        model,
        recipe,
        benchmark,
        sample_id,
        0 as n_wanted,
        1 as n_answers,
        0 as n_grades
    from answers
    union all
    select
        model,
        recipe,
        benchmark,
        sample_id,
        0 as n_wanted,
        0 as n_answers,
        1 as n_grades
    from grades

),

rows_per_sample as (

    select
        model,
        recipe,
        benchmark,
        sample_id,
        sum(n_wanted) as n_wanted,
        sum(n_answers) as n_answers,
        sum(n_grades) as n_grades
    from places
    group by all

),

cell_counts as (

    select
        model,
        recipe,
        benchmark,
        count(*) filter (where n_wanted > 0) as n_samples,
        count(*) filter (where n_answers < n_wanted) as n_missing_answers,
        count(*) filter (where n_answers > n_wanted) as n_stray_answers,
        count(*) filter (where n_grades < n_wanted) as n_missing_grades,
        count(*) filter (where n_grades > n_wanted) as n_stray_grades
    from rows_per_sample
    group by all

)

select * from cell_counts
order by model, recipe, benchmark
