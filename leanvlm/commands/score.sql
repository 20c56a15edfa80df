-- score: the overall metrics of every recipe in one table.
--
-- Grain:     one row per model, recipe.
-- Unit:      op: root mean square over benchmarks of the share of accuracy kept; mean_kept and
--            worst_kept: the mean and the least of these shares; n_benchmarks: their number;
--            og: 100 x standard deviation / mean of them, over all models, lower is better;
--            ol: share of samples answered as the full model does. low and high: 95 % intervals.
-- Reads:     overall_performance, overall_generalization, overall_loyalty.
-- Undefined: a number that its metric does not have is null: op without a benchmark that counts.

with

joined as (

    select
        overall_loyalty.model,
        overall_loyalty.recipe,
        overall_performance.n_benchmarks,
        overall_loyalty.n_samples,
        overall_performance.overall_performance as op,
        overall_performance.low as op_low,
        overall_performance.high as op_high,
        overall_performance.mean_accuracy_kept as mean_kept,
        overall_performance.worst_accuracy_kept as worst_kept,
        overall_performance.worst_benchmark,
        overall_generalization.overall_generalization as og,
        overall_generalization.low as og_low,
        overall_generalization.high as og_high,
        overall_loyalty.overall_loyalty as ol,
        overall_loyalty.low as ol_low,
        overall_loyalty.high as ol_high
    from overall_loyalty
    left join overall_performance
        on
            overall_loyalty.model = overall_performance.model
            and overall_loyalty.recipe = overall_performance.recipe
            and overall_loyalty.scope = overall_performance.scope
    left join overall_generalization
        on
            overall_loyalty.recipe = overall_generalization.recipe
            and overall_loyalty.scope = overall_generalization.scope
    where overall_loyalty.scope = 'all'

)

select * from joined
order by model asc, op desc nulls last, recipe asc
