-- _ratios: the accuracy kept on every benchmark that counts, in each scope and replicate.
--
-- Grain:     one row per model, recipe, benchmark, scope, replicate; replicate 0 is the data.
-- Unit:      ratio, 1.0 = the full model. scope: all benchmarks, or sensitive: those whose answers a cache
--            method can change.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; scopes are ours.
-- Reads:     steps.kept, steps.sensitive_cells.
-- Undefined: a benchmark whose ratio is null in the data counts in no replicate.

with

measured as (

    select
        model,
        recipe,
        benchmark,
        replicate,
        accuracy_kept
    from steps.kept
    qualify count(accuracy_kept) filter (where replicate = 0) over (partition by model, recipe, benchmark) > 0

)

select
    model,
    recipe,
    benchmark,
    'all' as scope,
    replicate,
    accuracy_kept
from measured
union all
select
    measured.model,
    measured.recipe,
    measured.benchmark,
    'sensitive' as scope,
    measured.replicate,
    measured.accuracy_kept
from measured
inner join steps.sensitive_cells as sensitive_cells
    on
        measured.model = sensitive_cells.model
        and measured.recipe = sensitive_cells.recipe
        and measured.benchmark = sensitive_cells.benchmark
