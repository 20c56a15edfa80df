-- _places: where each sample stands in the lists of its benchmark's answers.
--
-- Grain:     one row per benchmark, sample_id.
-- Unit:      a block holds n_places, 1,024 but for the last; block and place are counted from 0, in the order
--            of sample_id.
-- Source:    ours; lists that stand in one order are compared place by place, without a join of their rows.
-- Reads:     samples.
-- Undefined: never null.

with

numbered as (

    select
        benchmark,
        sample_id,
        group_id,
        row_number() over (partition by benchmark order by sample_id) - 1 as number
    from samples

),

places as (

    select
        benchmark,
        sample_id,
        group_id,
        number // 1024 as block,
        number % 1024 as place,
        count(*) over (partition by benchmark, number // 1024) as n_places
    from numbered

)

select * from places
