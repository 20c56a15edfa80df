-- accuracy: the mean grade of a cell, with its error.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      mean grade, 0 to 1. Higher is better. low and high: 95 % interval.
-- Source:    each benchmark's own grading rule; EffiVLM-Bench, arXiv 2506.00479, calls it EM.
-- Reads:     steps.accuracy.
-- Undefined: never null; a cell without grades has no row.

select
    model,
    recipe,
    benchmark,
    any_value(n_samples) filter (where replicate = 0) as n_samples,
    point(mean_grade, replicate) as accuracy,
    round(stddev_samp(mean_grade order by replicate) filter (where replicate > 0), 9) as standard_error,
    low(mean_grade, replicate) as low,
    high(mean_grade, replicate) as high
from steps.accuracy
group by all
order by model, recipe, benchmark
