-- _resamples: how often each question of a level counts in each replicate of the bootstrap.
--
-- Grain:     one row per level (a column benchmark), sample_id, replicate in which it counts at
--            all.
-- Unit:      count, Poisson with mean 1, drawn by hashing, so that the same seed gives the same
--            counts.
-- Source:    Chamandy et al. 2012, Estimating uncertainty for massive data streams, section 3
--            (Poisson bootstrap).
-- Departs:   rows instead of the lists of metrics/_resamples.sql: levels are few and small.
-- Reads:     samples.
-- Variables: seed, resamples.
-- Undefined: never null.

with

groups as (

    select distinct
        benchmark,
        group_id
    from samples

),

replicates as (

    select unnest(range(cast(getvariable('resamples') as bigint))) as replicate

),

chances as (

    -- md5 and not hash(): the latter is not promised to stay as it is
    select
        groups.benchmark,
        groups.group_id,
        replicates.replicate,
        md5_number_lower(
            concat_ws(
                '|', getvariable('seed'), groups.benchmark, groups.group_id, replicates.replicate
            )
        ) / 18446744073709551616.0 as chance
    from groups
    cross join replicates

),

draws as (

    -- the steps of the distribution function of Poisson(1)
    select
        benchmark,
        group_id,
        replicate,
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
        end as times
    from chances

),

resamples as (

    select
        samples.benchmark,
        samples.sample_id,
        draws.replicate,
        draws.times
    from samples
    inner join draws
        on
            samples.benchmark = draws.benchmark
            and samples.group_id = draws.group_id
    where draws.times > 0

)

select * from resamples
