-- _grades: the grades of each cell as lists, in the order of places.
--
-- Grain:     one row per model, recipe, benchmark, block.
-- Unit:      grades in billionths: whole numbers, whose sums are the same in any order up to 2^53, which is
--            nine million samples; is_graded and is_right 1 or 0; n_graded counts the graded places.
-- Source:    ours.
-- Reads:     grades, _places.
-- Undefined: a sample without a grade is not graded, has the grade 0 and no outcome.

with

answered as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        _places.block,
        list(
            struct_pack(
                place := _places.place,
                grade := round(grades.grade * 1000000000),
                outcome := grades.outcome
            )
            order by _places.place
        ) as answers,
        list(_places.place order by _places.place) as places,
        max(_places.n_places) as n_places
    from grades
    inner join _places
        on
            grades.benchmark = _places.benchmark
            and grades.sample_id = _places.sample_id
    group by all

),

filled as (

    -- a cell that lacks samples gets empty places
    select
        model,
        recipe,
        benchmark,
        block,
        len(places) as n_graded,
        case
            when len(places) = n_places then answers
            else list_transform(range(n_places), lambda place: answers[list_position(places, place)])
        end as answers
    from answered

),

lists as (

    select
        model,
        recipe,
        benchmark,
        block,
        n_graded,
        list_transform(answers, lambda one: coalesce(one['grade'], 0)) as grades,
        list_transform(answers, lambda one: cast(one['place'] is not null as double)) as is_graded,
        list_transform(answers, lambda one: cast(coalesce(one['outcome'] = 'right', false) as double))
            as is_right,
        list_transform(answers, lambda one: one['outcome']) as outcomes
    from filled

)

select * from lists
