-- overall_above_blind: the share that a recipe keeps of what looking at the picture adds, over benchmarks.
--
-- Grain:     one row per model, recipe.
-- Unit:      mean over benchmarks of (recipe - blind) / (full - blind); 1.0 = the full model, 0.0 = no
--            picture. Higher is better. low and high: 95 % interval, paired over samples. sensitive: only
--            benchmarks whose answers a cache method can change.
-- Source:    ours; chance flatters overall performance, since a guess is right as often without the picture.
-- Reads:     accuracy_above_blind, _above_blind_bootstrap, _sensitive_cells.
-- Undefined: a benchmark does not count where full - blind is within its error; no row where none counts,
--            sensitive is null where no sensitive one does.

with

shares as (

    select
        accuracy_above_blind.model,
        accuracy_above_blind.recipe,
        accuracy_above_blind.benchmark,
        accuracy_above_blind.accuracy_above_blind,
        _sensitive_cells.benchmark is not null as is_sensitive
    from accuracy_above_blind
    left join _sensitive_cells
        on
            accuracy_above_blind.model = _sensitive_cells.model
            and accuracy_above_blind.recipe = _sensitive_cells.recipe
            and accuracy_above_blind.benchmark = _sensitive_cells.benchmark
    where accuracy_above_blind.accuracy_above_blind is not null

),

overall as (

    select
        model,
        recipe,
        count(*) as n_benchmarks,
        avg(accuracy_above_blind order by benchmark) as overall_above_blind,
        avg(case when is_sensitive then accuracy_above_blind end order by benchmark)
            as overall_above_blind_sensitive
    from shares
    group by all

),

replicates as (

    select
        shares.model,
        shares.recipe,
        replicate_shares.replicate,
        avg(replicate_shares.accuracy_above_blind order by shares.benchmark) as overall_above_blind,
        avg(
            case when shares.is_sensitive then replicate_shares.accuracy_above_blind end
            order by shares.benchmark
        ) as overall_above_blind_sensitive
    from shares
    inner join _above_blind_bootstrap as replicate_shares
        on
            shares.model = replicate_shares.model
            and shares.recipe = replicate_shares.recipe
            and shares.benchmark = replicate_shares.benchmark
    group by all

),

intervals as (

    select
        model,
        recipe,
        quantile_cont(overall_above_blind, 0.025) as low,
        quantile_cont(overall_above_blind, 0.975) as high,
        quantile_cont(overall_above_blind_sensitive, 0.025) as low_sensitive,
        quantile_cont(overall_above_blind_sensitive, 0.975) as high_sensitive
    from replicates
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        overall.n_benchmarks,
        round(overall.overall_above_blind, 9) as overall_above_blind,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high,
        round(overall.overall_above_blind_sensitive, 9) as overall_above_blind_sensitive,
        round(intervals.low_sensitive, 9) as low_sensitive,
        round(intervals.high_sensitive, 9) as high_sensitive
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
