-- overall_performance: OP, the root mean square over benchmarks of the share of accuracy that is kept.
--
-- Grain:     one row per model, recipe.
-- Unit:      ratio, 1.0 = the full model. Higher is better. low and high: 95 % interval, paired over
--            samples.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; recomputing its tables shows the root mean square, not the
--            mean.
-- Departs:   a root mean square flatters uneven recipes, so the mean and the worst ratio stand beside it;
--            the columns named sensitive leave out benchmarks whose answers no cache method can change.
-- Reads:     accuracy_kept, cells, _bootstrap.
-- Undefined: a benchmark where the full model's mean grade is 0 does not count; sensitive columns are null
--            without a sensitive benchmark.

with

sensitivity as (

    select
        model,
        recipe,
        benchmark,
        coalesce(is_sensitive_to_cache, false) as is_sensitive_to_cache
    from cells

),

ratios as (

    select
        accuracy_kept.model,
        accuracy_kept.recipe,
        accuracy_kept.benchmark,
        accuracy_kept.accuracy_kept,
        coalesce(sensitivity.is_sensitive_to_cache, false) as is_sensitive_to_cache
    from accuracy_kept
    left join sensitivity
        on
            accuracy_kept.model = sensitivity.model
            and accuracy_kept.recipe = sensitivity.recipe
            and accuracy_kept.benchmark = sensitivity.benchmark
    where accuracy_kept.accuracy_kept is not null

),

replicates as (

    select
        ratios.model,
        ratios.recipe,
        _bootstrap.replicate,
        sqrt(avg(_bootstrap.accuracy_kept * _bootstrap.accuracy_kept order by ratios.benchmark))
            as overall_performance,
        sqrt(
            avg(
                case
                    when ratios.is_sensitive_to_cache
                        then _bootstrap.accuracy_kept * _bootstrap.accuracy_kept
                end
                order by ratios.benchmark
            )
        ) as overall_performance_sensitive
    from ratios
    inner join _bootstrap
        on
            ratios.model = _bootstrap.model
            and ratios.recipe = _bootstrap.recipe
            and ratios.benchmark = _bootstrap.benchmark
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
    from replicates
    group by all

),

overall as (

    select
        model,
        recipe,
        count(*) as n_benchmarks,
        count(*) filter (where is_sensitive_to_cache) as n_benchmarks_sensitive,
        sqrt(avg(accuracy_kept * accuracy_kept order by benchmark)) as overall_performance,
        sqrt(avg(case when is_sensitive_to_cache then accuracy_kept * accuracy_kept end order by benchmark))
            as overall_performance_sensitive,
        avg(accuracy_kept order by benchmark) as mean_accuracy_kept,
        min(accuracy_kept) as worst_accuracy_kept,
        first(benchmark order by accuracy_kept, benchmark) as worst_benchmark
    from ratios
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
        overall.worst_accuracy_kept,
        overall.worst_benchmark
    from overall
    left join intervals
        on
            overall.model = intervals.model
            and overall.recipe = intervals.recipe

)

select * from joined
order by model, recipe
