-- recomputed: OP of each model, and OG over the models, of every method and budget of some scores.
--
-- Grain:     one row per metric, model, method, budget; OG has no model.
-- Unit:      OP ratio, 1.0 = the full model; OG 100 x standard deviation / mean.
-- Source:    the formulas are in leanvlm/metrics: overall_performance, overall_generalization.
-- Reads:     scores, overall_performance, overall_generalization.
-- Undefined: OG is null with fewer than two benchmarks, or where nothing is kept on any.

with

entries as (

    select
        recipe,
        method,
        budget,
        min(place) as place
    from scores
    where recipe <> 'controls/full'
    group by all

),

performance as (

    select
        'OP' as metric,
        overall_performance.model,
        entries.method,
        entries.budget,
        overall_performance.overall_performance as recomputed,
        1 as n_models,
        overall_performance.n_benchmarks,
        overall_performance.mean_accuracy_kept,
        overall_performance.worst_accuracy_kept,
        overall_performance.worst_benchmark,
        entries.place
    from overall_performance
    inner join entries
        on overall_performance.recipe = entries.recipe
    where overall_performance.scope = 'all'

),

generalization as (

    select
        'OG' as metric,
        entries.method,
        entries.budget,
        overall_generalization.overall_generalization as recomputed,
        overall_generalization.n_models,
        overall_generalization.n_benchmarks,
        entries.place
    from overall_generalization
    inner join entries
        on overall_generalization.recipe = entries.recipe
    where overall_generalization.scope = 'all'

),

both_metrics as (

    select * from performance
    union all by name
    select * from generalization

)

select * exclude (place) from both_metrics
order by metric desc, model asc, place asc
