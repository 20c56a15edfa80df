-- flips: some of the answers that a recipe turned, with their pictures.
--
-- Grain:  one row per model, recipe, benchmark, sample_id; no more than the variable n_flips.
-- Unit:   flip: lost (the grade fell), won (it rose), changed (one answer that is not right became another).
--         n_all: how many flips there are of which these were drawn.
-- Reads:  samples, sample_images, cells, answers, grades.
-- Choice: controls are left out. Each model, family, benchmark and kind of flip has one turn after the other,
--         and in each a recipe that had none goes first; of a cell, samples whose kept tokens are stored.
--         Equals are in the order of a hash of the key and the variable seed.

with

graded as (

    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        answers.sample_id,
        answers.answer,
        answers.new_tokens,
        answers.kept_centers,
        grades.grade,
        grades.outcome
    from answers
    inner join grades
        on
            answers.model = grades.model
            and answers.recipe = grades.recipe
            and answers.benchmark = grades.benchmark
            and answers.sample_id = grades.sample_id

),

paired as (

    select
        graded.*,
        cells.family,
        full_graded.answer as full_answer,
        full_graded.new_tokens as full_new_tokens,
        case
            when graded.grade < full_graded.grade then 'lost'
            when graded.grade > full_graded.grade then 'won'
            when 'ungraded' in (graded.outcome, full_graded.outcome) then null
            when graded.outcome != 'right' and trim(graded.answer) != trim(full_graded.answer) then 'changed'
        end as flip
    from graded
    inner join graded as full_graded
        on
            graded.model = full_graded.model
            and graded.benchmark = full_graded.benchmark
            and graded.sample_id = full_graded.sample_id
            and full_graded.recipe = 'controls/full'
    inner join cells
        on
            graded.model = cells.model
            and graded.recipe = cells.recipe
            and graded.benchmark = cells.benchmark
    where cells.family != 'controls'

),

drawn as (

    select
        *,
        md5(concat_ws(' ', getvariable('seed'), model, recipe, benchmark, sample_id)) as draw,
        count(*) over () as n_all
    from paired
    where flip is not null

),

cell_turns as (

    select
        *,
        row_number() over (
            partition by model, recipe, benchmark, flip
            order by kept_centers is null, draw
        ) as turn_of_cell
    from drawn

),

turns as (

    select
        *,
        row_number() over (partition by model, family, benchmark, flip order by turn_of_cell, draw) as turn
    from cell_turns

),

chosen as (

    select
        *,
        row_number() over (order by turn, draw) as number
    from turns
    qualify number <= getvariable('n_flips')

),

first_turns as (

    -- a later turn is about the pictures of its conversation's first
    select distinct
        asked.benchmark,
        asked.sample_id,
        firsts.sample_id as first_sample_id
    from samples as asked
    semi join chosen
        on
            asked.benchmark = chosen.benchmark
            and asked.sample_id = chosen.sample_id
    inner join samples as firsts
        on
            asked.benchmark = firsts.benchmark
            and asked.group_id = firsts.group_id
            and firsts.turn = 1
    where asked.turn > 1 or asked.sample_id = firsts.sample_id

),

pictures as (

    -- only of the chosen samples: pictures are large
    select
        first_turns.benchmark,
        first_turns.sample_id,
        list(sample_images.image order by sample_images.position) as images
    from sample_images
    inner join first_turns
        on
            sample_images.benchmark = first_turns.benchmark
            and sample_images.sample_id = first_turns.first_sample_id
    group by all

),

shown as (

    select
        chosen.number,
        chosen.n_all,
        chosen.model,
        chosen.recipe,
        chosen.family,
        chosen.benchmark,
        chosen.sample_id,
        chosen.flip,
        samples.kind,
        samples.question,
        samples.answers as expected,
        chosen.full_answer,
        chosen.full_new_tokens,
        chosen.answer,
        chosen.new_tokens,
        chosen.kept_centers,
        coalesce(pictures.images, []) as images
    from chosen
    inner join samples
        on
            chosen.benchmark = samples.benchmark
            and chosen.sample_id = samples.sample_id
    left join pictures
        on
            chosen.benchmark = pictures.benchmark
            and chosen.sample_id = pictures.sample_id

)

select * from shown
order by number
