-- _performance: overall performance, and what it hides, in each replicate.
--
-- Grain:     one row per model, recipe, scope, replicate; replicate 0 is the data.
-- Unit:      ratios, 1.0 = the full model.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; recomputing its tables shows the root mean square over
--            benchmarks, not the mean.
-- Reads:     steps.ratios.
-- Undefined: no row where no benchmark has a ratio.

select
    model,
    recipe,
    scope,
    replicate,
    count(*) as n_benchmarks,
    sqrt(avg(accuracy_kept * accuracy_kept order by benchmark)) as overall_performance,
    avg(accuracy_kept order by benchmark) as mean_accuracy_kept,
    median(accuracy_kept) as median_accuracy_kept,
    min(accuracy_kept) as worst_accuracy_kept,
    first(benchmark order by accuracy_kept, benchmark) as worst_benchmark
from steps.ratios
group by all
