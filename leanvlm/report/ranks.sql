-- ranks: which places a recipe may hold among those of its family and setting, ties included.
--
-- Grain:     one row per model, recipe; controls are not ranked.
-- Unit:      place, 1 = best. A recipe is better than another where the difference of their overall
--            performance is beyond 1.96 standard errors; best_rank counts those surely better, worst_rank
--            also those that tie.
-- Source:    the delta method: the paired difference is linearised, samples of one picture together;
--            d OP = sum over benchmarks of r / (n_benchmarks * OP) * dr.
-- Reads:     cells, parts, grades, samples.
-- Undefined: no row where the full model's grades on every counted benchmark are 0.

with

settings as (

    select
        model,
        recipe,
        string_agg(setting, ' + ' order by position) as setting
    from parts
    group by all

),

counted_cells as (

    -- cache recipes cannot change answers of one or two tokens
    select
        cells.model,
        cells.recipe,
        cells.benchmark,
        cells.family,
        coalesce(settings.setting, '') as setting
    from cells
    left join settings
        on
            cells.model = settings.model
            and cells.recipe = settings.recipe
    where
        cells.family != 'controls'
        and (cells.acts_on != 'cache' or cells.is_sensitive_to_cache)

),

picture_grades as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        samples.group_id,
        sum(grades.grade) as grade
    from grades
    inner join samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
    group by all

),

paired as (

    select
        counted_cells.*,
        picture_grades.group_id,
        picture_grades.grade,
        full_grades.grade as full_grade,
        sum(full_grades.grade) over cell as full_total,
        sum(picture_grades.grade) over cell / nullif(sum(full_grades.grade) over cell, 0) as kept
    from counted_cells
    inner join picture_grades
        on
            counted_cells.model = picture_grades.model
            and counted_cells.recipe = picture_grades.recipe
            and counted_cells.benchmark = picture_grades.benchmark
    inner join picture_grades as full_grades
        on
            picture_grades.model = full_grades.model
            and picture_grades.benchmark = full_grades.benchmark
            and picture_grades.group_id = full_grades.group_id
            and full_grades.recipe = 'controls/full'
    window cell as (partition by counted_cells.model, counted_cells.recipe, counted_cells.benchmark)

),

ratios as (

    select distinct
        model,
        recipe,
        benchmark,
        kept
    from paired
    where kept is not null

),

performances as (

    select
        model,
        recipe,
        count(*) as n_benchmarks,
        sqrt(avg(kept * kept order by benchmark)) as performance
    from ratios
    group by all

),

pulls as (

    -- how much one picture moves the recipe's overall performance
    select
        paired.model,
        paired.recipe,
        paired.family,
        paired.setting,
        paired.benchmark,
        paired.group_id,
        performances.performance,
        paired.kept / nullif(performances.n_benchmarks * performances.performance, 0)
        * (paired.grade - paired.kept * paired.full_grade) / paired.full_total as pull
    from paired
    inner join performances
        on
            paired.model = performances.model
            and paired.recipe = performances.recipe
    where paired.kept is not null

),

pairs as (

    select
        left_pulls.model,
        left_pulls.recipe,
        right_pulls.recipe as other,
        right_pulls.performance - left_pulls.performance as lead,
        1.96 * sqrt(sum(pow(coalesce(left_pulls.pull, 0) - coalesce(right_pulls.pull, 0), 2))) as error
    from pulls as left_pulls
    inner join pulls as right_pulls
        on
            left_pulls.model = right_pulls.model
            and left_pulls.family = right_pulls.family
            and left_pulls.setting = right_pulls.setting
            and left_pulls.benchmark = right_pulls.benchmark
            and left_pulls.group_id = right_pulls.group_id
    group by all

),

places as (

    select
        model,
        recipe,
        1 + count(*) filter (where round(lead - error, 6) > 0) as best_rank,
        count(*) - count(*) filter (where round(lead + error, 6) < 0) as worst_rank
    from pairs
    group by all

)

select * from places
order by model, recipe
