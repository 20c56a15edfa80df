-- _samples: each sample's position among those of its benchmark.
--
-- Grain:     one row per benchmark, sample_id.
-- Unit:      a block holds n_positions samples, 1,024 but for the last; block, position and picture_index are
--            counted from 0, in the order of sample_id and group_id. picture: the group_id.
-- Source:    ours; cells whose samples are in one order are compared position by position.
-- Reads:     samples.
-- Undefined: never null.

with

numbered as (

    select
        benchmark,
        sample_id,
        group_id as picture,
        row_number() over (partition by benchmark order by sample_id) - 1 as number,
        dense_rank() over (partition by benchmark order by group_id) - 1 as picture_index
    from samples

)

select
    benchmark,
    sample_id,
    picture,
    picture_index,
    number // 1024 as block,
    number % 1024 as position,
    count(*) over (partition by benchmark, number // 1024) as n_positions
from numbered
