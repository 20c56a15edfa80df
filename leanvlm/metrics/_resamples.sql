-- _resamples: how often each sample counts in each replicate of the bootstrap, the same for every recipe.
--
-- Grain:     one row per benchmark, block, replicate.
-- Unit:      times: a count per place of the block, Poisson with mean 1, drawn by hashing, so that the same
--            seed gives the same counts; n_times: their sum.
-- Source:    Chamandy et al. 2012, Estimating uncertainty for massive data streams, section 3 (Poisson
--            bootstrap).
-- Departs:   samples of one picture (group_id) are drawn as one.
-- Reads:     _places.
-- Variables: seed, resamples.
-- Undefined: never null.

with

blocks as (

    select
        benchmark,
        block,
        list(group_id order by place) as pictures
    from _places
    group by all

),

replicates as (

    select
        benchmark,
        block,
        pictures,
        unnest(range(cast(getvariable('resamples') as bigint))) as replicate
    from blocks

),

chances as (

    -- md5 and not hash(): the latter is not promised to stay as it is
    select
        benchmark,
        block,
        replicate,
        list_transform(
            pictures,
            lambda picture: (
                md5_number(concat_ws('|', getvariable('seed'), benchmark, picture, replicate)) >> 64
            ) / 18446744073709551616.0
        ) as chances
    from replicates

),

draws as (

    -- the steps of the distribution function of Poisson(1)
    select
        benchmark,
        block,
        replicate,
        list_transform(
            chances,
            lambda chance: cast(
                case
                    when chance < 0.367879441171 then 0
                    when chance < 0.735758882343 then 1
                    when chance < 0.919698602929 then 2
                    when chance < 0.981011843124 then 3
                    when chance < 0.996340153173 then 4
                    when chance < 0.999405815182 then 5
                    when chance < 0.999916758851 then 6
                    when chance < 0.999989750803 then 7
                    else 8
                end as double
            )
        ) as times
    from chances

),

resamples as (

    select
        benchmark,
        block,
        replicate,
        times,
        list_sum(times) as n_times
    from draws

)

select * from resamples
