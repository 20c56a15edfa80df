-- overall_performance: OP, the root mean square over benchmarks of the share of accuracy that is kept.
--
-- Grain:     one row per model, recipe.
-- Unit:      ratio, 1.0 = the full model. Higher is better. low and high: 95 % interval, paired over
--            samples.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; recomputing its tables shows the root mean square, not the
--            mean.
-- Departs:   a root mean square flatters uneven recipes, so the mean, the median and the worst ratio stand
--            beside it; the columns named sensitive leave out benchmarks whose answers no cache method can
--            change.
-- Reads:     accuracy_kept, _sensitive_cells, _performance_bootstrap.
-- Undefined: a benchmark where the full model's mean grade is 0 does not count; sensitive columns are null
--            without a sensitive benchmark.

with

ratios as (

    select
        accuracy_kept.model,
        accuracy_kept.recipe,
        accuracy_kept.benchmark,
        accuracy_kept.accuracy_kept,
        case when _sensitive_cells.benchmark is not null then accuracy_kept.accuracy_kept end
            as accuracy_kept_sensitive
    from accuracy_kept
    left join _sensitive_cells
        on
            accuracy_kept.model = _sensitive_cells.model
            and accuracy_kept.recipe = _sensitive_cells.recipe
            and accuracy_kept.benchmark = _sensitive_cells.benchmark
    where accuracy_kept.accuracy_kept is not null

),

overall as (

    select
        model,
        recipe,
        count(*) as n_benchmarks,
        count(accuracy_kept_sensitive) as n_benchmarks_sensitive,
        sqrt(avg(accuracy_kept * accuracy_kept order by benchmark)) as overall_performance,
        sqrt(avg(accuracy_kept_sensitive * accuracy_kept_sensitive order by benchmark))
            as overall_performance_sensitive,
        avg(accuracy_kept order by benchmark) as mean_accuracy_kept,
        avg(accuracy_kept_sensitive order by benchmark) as mean_accuracy_kept_sensitive,
        median(accuracy_kept) as median_accuracy_kept,
        median(accuracy_kept_sensitive) as median_accuracy_kept_sensitive,
        min(accuracy_kept) as worst_accuracy_kept,
        min(accuracy_kept_sensitive) as worst_accuracy_kept_sensitive,
        first(benchmark order by accuracy_kept, benchmark) as worst_benchmark
    from ratios
    group by all

),

intervals as (

    select
        model,
        recipe,
        quantile_cont(overall_performance, 0.025) as low,
        quantile_cont(overall_performance, 0.975) as high,
        quantile_cont(overall_performance_sensitive, 0.025) as low_sensitive,
        quantile_cont(overall_performance_sensitive, 0.975) as high_sensitive
    from _performance_bootstrap
    group by all

),

joined as (

    select
        overall.model,
        overall.recipe,
        overall.n_benchmarks,
        overall.n_benchmarks_sensitive,
        round(overall.overall_performance, 9) as overall_performance,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high,
        round(overall.overall_performance_sensitive, 9) as overall_performance_sensitive,
        round(intervals.low_sensitive, 9) as low_sensitive,
        round(intervals.high_sensitive, 9) as high_sensitive,
        round(overall.mean_accuracy_kept, 9) as mean_accuracy_kept,
        round(overall.mean_accuracy_kept_sensitive, 9) as mean_accuracy_kept_sensitive,
        round(overall.median_accuracy_kept, 9) as median_accuracy_kept,
        round(overall.median_accuracy_kept_sensitive, 9) as median_accuracy_kept_sensitive,
        overall.worst_accuracy_kept,
        overall.worst_accuracy_kept_sensitive,
        overall.worst_benchmark
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
