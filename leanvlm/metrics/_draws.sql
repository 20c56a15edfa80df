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
        block,
        md5_number_upper(seeded) as upper_half,
        md5_number_lower(seeded) as lower_half
    from blocks

),

counts as (

    select
        benchmark,
        picture_index,
        block,
        list_value(
            poisson(upper_half % 65536),
            poisson((upper_half >> 16) % 65536),
            poisson((upper_half >> 32) % 65536),
            poisson((upper_half >> 48) % 65536),
            poisson(lower_half % 65536),
            poisson((lower_half >> 16) % 65536),
            poisson((lower_half >> 32) % 65536),
            poisson((lower_half >> 48) % 65536)
        ) as times
    from digests

),

bootstrap as (

    select
        benchmark,
        picture_index,
        flatten(list(times order by block)) as times
    from counts
    group by all

)

select
    pictures.benchmark,
    pictures.picture_index,
    list_prepend(
        cast(1 as utinyint),
        coalesce(list_slice(bootstrap.times, 1, drawn.resamples), list_value())
    ) as times
from pictures
cross join steps.settings as drawn
left join bootstrap
    on
        pictures.benchmark = bootstrap.benchmark
        and pictures.picture_index = bootstrap.picture_index
