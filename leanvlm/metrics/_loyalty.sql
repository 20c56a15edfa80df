-- _loyalty: the share of a cell's answers that are the full model's, in each scope and replicate.
--
-- Grain:     one row per model, recipe, benchmark, matching_rule, scope, replicate; replicate 0 is the data.
-- Unit:      share of samples, 0 to 1. scope: all benchmarks, or sensitive: those whose answers a cache
--            method can change.
-- Source:    EffiVLM-Bench, arXiv 2506.00479, which names no rule; scopes are ours.
-- Reads:     steps.same_sums, steps.sensitive_cells.
-- Undefined: no row where no sample counts.

with

shares as (

    select
        model,
        recipe,
        benchmark,
        matching_rule,
        replicate,
        n_samples,
        n_same,
        n_same / n_samples as loyalty
    from steps.same_sums
    where n_samples > 0

)

select
    shares.*,
    scopes.scope
from shares
cross join (values ('all'), ('sensitive')) as scopes (scope)
left join steps.sensitive_cells as sensitive_cells
    on
        shares.model = sensitive_cells.model
        and shares.recipe = sensitive_cells.recipe
        and shares.benchmark = sensitive_cells.benchmark
where scopes.scope = 'all' or sensitive_cells.model is not null
