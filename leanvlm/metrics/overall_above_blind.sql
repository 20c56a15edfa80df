-- overall_above_blind: the share that a recipe keeps of what looking at the picture adds, over benchmarks.
--
-- Grain:     one row per model, recipe, scope.
-- Unit:      mean over benchmarks of (recipe - blind) / (full - blind); 1.0 = the full model, 0.0 = no
--            picture. Higher is better. low and high: 95 % interval, paired over samples. scope: all
--            benchmarks, or sensitive: those whose answers a cache method can change.
-- Source:    ours; chance flatters overall performance, since a guess is right as often without the picture.
-- Reads:     accuracy_above_blind, steps.above_blind, steps.sensitive_cells.
-- Undefined: a benchmark does not count where full - blind is within its error; no row where none counts.

with

scoped as (

    select
        accuracy_above_blind.model,
        accuracy_above_blind.recipe,
        accuracy_above_blind.benchmark,
        unnest(case when sensitive_cells.benchmark is null then ['all'] else ['all', 'sensitive'] end)
            as scope
    from accuracy_above_blind
    left join steps.sensitive_cells as sensitive_cells
        on
            accuracy_above_blind.model = sensitive_cells.model
            and accuracy_above_blind.recipe = sensitive_cells.recipe
            and accuracy_above_blind.benchmark = sensitive_cells.benchmark
    where accuracy_above_blind.accuracy_above_blind is not null

),

means as (

    select
        scoped.model,
        scoped.recipe,
        scoped.scope,
        shares.replicate,
        count(*) as n_benchmarks,
        avg(shares.accuracy_above_blind order by scoped.benchmark) as above_blind
    from scoped
    inner join steps.above_blind as shares
        on
            scoped.model = shares.model
            and scoped.recipe = shares.recipe
            and scoped.benchmark = shares.benchmark
    group by all

)

select
    model,
    recipe,
    scope,
    any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
    point(above_blind, replicate) as overall_above_blind,
    low(above_blind, replicate) as low,
    high(above_blind, replicate) as high
from means
group by all
order by model, recipe, scope
