-- _same_answers: whether each cell's answers are the full model's, as lists in the order of places.
--
-- Grain:     one row per model, recipe, benchmark, block.
-- Unit:      1 or 0, by three rules: as they are (is_same_raw), in one spelling (is_same), and the extracted
--            answer (is_same_extracted); is_asked is 1 where both have answered, n_asked counts those.
-- Source:    ours; EffiVLM-Bench, arXiv 2506.00479, does not say when two answers are the same.
-- Reads:     answers, _spellings, _places.
-- Undefined: no row without controls/full; 0 where one of both has no answer.

with

full_answers as (

    select
        answers.model,
        answers.benchmark,
        answers.sample_id,
        _places.block,
        _places.place,
        _places.n_places,
        answers.answer,
        _spellings.normalised_answer,
        _spellings.extracted_answer
    from answers
    inner join _places
        on
            answers.benchmark = _places.benchmark
            and answers.sample_id = _places.sample_id
    inner join _spellings
        on answers.answer = _spellings.answer
    where answers.recipe = 'controls/full'

),

compared as (

    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        full_answers.block,
        list(
            struct_pack(
                place := full_answers.place,
                is_same_raw := answers.answer = full_answers.answer,
                is_same := _spellings.normalised_answer = full_answers.normalised_answer,
                is_same_extracted := _spellings.extracted_answer = full_answers.extracted_answer
            )
            order by full_answers.place
        ) as answers,
        list(full_answers.place order by full_answers.place) as places,
        max(full_answers.n_places) as n_places
    from answers
    inner join full_answers
        on
            answers.model = full_answers.model
            and answers.benchmark = full_answers.benchmark
            and answers.sample_id = full_answers.sample_id
    inner join _spellings
        on answers.answer = _spellings.answer
    group by all

),

filled as (

    -- a cell that lacks samples gets empty places
    select
        model,
        recipe,
        benchmark,
        block,
        len(places) as n_asked,
        case
            when len(places) = n_places then answers
            else list_transform(range(n_places), lambda place: answers[list_position(places, place)])
        end as answers
    from compared

),

lists as (

    select
        model,
        recipe,
        benchmark,
        block,
        n_asked,
        list_transform(answers, lambda one: cast(one['place'] is not null as double)) as is_asked,
        list_transform(answers, lambda one: cast(coalesce(one['is_same_raw'], false) as double))
            as is_same_raw,
        list_transform(answers, lambda one: cast(coalesce(one['is_same'], false) as double)) as is_same,
        list_transform(answers, lambda one: cast(coalesce(one['is_same_extracted'], false) as double))
            as is_same_extracted
    from filled

)

select * from lists
