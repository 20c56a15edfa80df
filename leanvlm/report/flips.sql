-- flips: a few answers that the full model gives rightly and a recipe wrongly, with their pictures.
--
-- Grain:  one row per model, recipe, benchmark, sample_id; no more than the variable n_flips.
-- Reads:  samples, sample_images, cells, answers, grades.
-- Choice: controls are left out; benchmarks have turns, and in each a recipe that had none goes first; lots
--         are a hash that does not change between runs.

with

flipped as (

    select
        recipe_grades.model,
        recipe_grades.recipe,
        recipe_grades.benchmark,
        recipe_grades.sample_id,
        md5(concat_ws(' ', recipe_grades.recipe, recipe_grades.benchmark, recipe_grades.sample_id)) as lot
    from grades as recipe_grades
    inner join grades as full_grades
        on
            recipe_grades.model = full_grades.model
            and recipe_grades.benchmark = full_grades.benchmark
            and recipe_grades.sample_id = full_grades.sample_id
            and full_grades.recipe = 'controls/full'
    inner join cells
        on
            recipe_grades.model = cells.model
            and recipe_grades.recipe = cells.recipe
            and recipe_grades.benchmark = cells.benchmark
    where
        full_grades.outcome = 'right'
        and recipe_grades.outcome in ('wrong', 'ungradable')
        and cells.family != 'controls'

),

benchmark_counts as (

    select count(distinct benchmark) as n_benchmarks
    from flipped

),

cell_turns as (

    -- recipes begin with different benchmarks
    select
        flipped.*,
        row_number() over (partition by flipped.model, flipped.recipe, flipped.benchmark order by flipped.lot)
            as turn_of_cell,
        (
            dense_rank() over (order by flipped.model, flipped.recipe)
            + dense_rank() over (order by flipped.benchmark)
        ) % benchmark_counts.n_benchmarks as preference
    from flipped
    cross join benchmark_counts

),

recipe_turns as (

    select
        *,
        row_number() over (partition by model, recipe order by turn_of_cell, preference) as turn_of_recipe
    from cell_turns

),

benchmark_turns as (

    select
        *,
        row_number() over (partition by benchmark order by turn_of_recipe, lot) as turn_of_benchmark
    from recipe_turns

),

chosen as (

    select
        *,
        row_number() over (order by turn_of_benchmark, turn_of_recipe, lot) as place
    from benchmark_turns
    qualify place <= getvariable('n_flips')

),

pictures as (

    -- only of the chosen samples: pictures are large
    select
        sample_images.benchmark,
        sample_images.sample_id,
        list(sample_images.image order by sample_images.position) as images
    from sample_images
    semi join chosen
        on
            sample_images.benchmark = chosen.benchmark
            and sample_images.sample_id = chosen.sample_id
    group by all

),

told as (

    select
        chosen.place,
        chosen.model,
        chosen.recipe,
        chosen.benchmark,
        chosen.sample_id,
        samples.kind,
        samples.question,
        samples.answers as expected,
        full_answers.answer as full_answer,
        recipe_answers.answer,
        coalesce(pictures.images, []) as images
    from chosen
    inner join samples
        on
            chosen.benchmark = samples.benchmark
            and chosen.sample_id = samples.sample_id
    inner join answers as recipe_answers
        on
            chosen.model = recipe_answers.model
            and chosen.recipe = recipe_answers.recipe
            and chosen.benchmark = recipe_answers.benchmark
            and chosen.sample_id = recipe_answers.sample_id
    inner join answers as full_answers
        on
            chosen.model = full_answers.model
            and chosen.benchmark = full_answers.benchmark
            and chosen.sample_id = full_answers.sample_id
            and full_answers.recipe = 'controls/full'
    left join pictures
        on
            chosen.benchmark = pictures.benchmark
            and chosen.sample_id = pictures.sample_id

)

select * from told
order by place
