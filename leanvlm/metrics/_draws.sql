-- _draws: how often each picture counts in each replicate, the same for every recipe.
--
-- Grain:     one row per benchmark, picture_index.
-- Unit:      times: a list of counts, one per replicate. Replicate 0 is the data, in which everything counts
--            once; replicates 1 and up are the bootstrap: Poisson with mean 1, drawn by hashing seed,
--            benchmark and picture, so that the same seed gives the same counts.
-- Source:    Chamandy et al. 2012, Estimating uncertainty for massive data streams, section 3 (Poisson
--            bootstrap).
-- Departs:   samples of one picture are drawn as one. One hash gives eight draws of 16 bits each, so a count
--            is 7 at most and its mean 0.99998.
-- Reads:     steps.samples, steps.settings.
-- Undefined: never null.

with

pictures as (

    select distinct
        benchmark,
        picture,
        picture_index
    from steps.samples

),

blocks as (

    select
        pictures.benchmark,
        pictures.picture_index,
        drawn.resamples,
        unnest(range(cast(ceil(drawn.resamples / 8) as bigint))) as block,
        concat_ws('|', drawn.seed, pictures.benchmark, pictures.picture, block) as seeded
    from pictures
    cross join steps.settings as drawn

),

digests as (

    -- md5 and not hash(): the latter is not promised to stay as it is
    select
        benchmark,
        picture_index,
        resamples,
        block,
        md5_number_upper(seeded) as upper_half,
        md5_number_lower(seeded) as lower_half
    from blocks

),

chances as (

    select
        benchmark,
        picture_index,
        resamples,
        block,
        unnest(range(8)) as slot,
        ((case when slot < 4 then upper_half else lower_half end) >> (16 * (slot % 4))) % 65536 as chance
    from digests

),

counts as (

    -- the distribution function of Poisson(1), in steps of 1 / 65536
    select
        benchmark,
        picture_index,
        resamples,
        8 * block + slot as number,
        cast(
            case
                when chance < 24109 then 0
                when chance < 48219 then 1
                when chance < 60273 then 2
                when chance < 64292 then 3
                when chance < 65296 then 4
                when chance < 65497 then 5
                when chance < 65531 then 6
                else 7
            end as utinyint
        ) as times
    from chances

),

bootstrap as (

    select
        benchmark,
        picture_index,
        list(times order by number) as times
    from counts
    where number < resamples
    group by all

)

select
    pictures.benchmark,
    pictures.picture_index,
    list_prepend(cast(1 as utinyint), coalesce(bootstrap.times, list_value())) as times
from pictures
left join bootstrap
    on
        pictures.benchmark = bootstrap.benchmark
        and pictures.picture_index = bootstrap.picture_index
