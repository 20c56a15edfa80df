-- overall_performance: OP, the root mean square over benchmarks of the share of accuracy that is kept.
--
-- Grain:     one row per model, recipe, scope.
-- Unit:      ratio, 1.0 = the full model. Higher is better. low and high: 95 % interval, paired over
--            samples. scope: all benchmarks, or sensitive: those whose answers a cache method can change.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; recomputing its tables shows the root mean square, not the
--            mean.
-- Departs:   a root mean square flatters uneven recipes, so the mean, the median and the worst ratio are
--            beside it.
-- Reads:     steps.performance.
-- Undefined: a benchmark where the full model's mean grade is 0 does not count; no row of the scope sensitive
--            without a sensitive benchmark.

select
    model,
    recipe,
    scope,
    any_value(n_benchmarks) filter (where replicate = 0) as n_benchmarks,
    point(overall_performance, replicate) as overall_performance,
    low(overall_performance, replicate) as low,
    high(overall_performance, replicate) as high,
    point(mean_accuracy_kept, replicate) as mean_accuracy_kept,
    point(median_accuracy_kept, replicate) as median_accuracy_kept,
    point(worst_accuracy_kept, replicate) as worst_accuracy_kept,
    any_value(worst_benchmark) filter (where replicate = 0) as worst_benchmark
from steps.performance
group by all
order by model, recipe, scope
