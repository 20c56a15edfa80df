-- brier: how far each answer's confidence is from what it is worth, squared.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      mean of (confidence - grade)^2, 0 to 1. Lower is better. low and high: 95 % interval
--            (jackknife); difference: from controls/full, with its interval paired over samples.
-- Source:    Brier 1950, Monthly Weather Review 78, for one event: that the answer is right.
-- Departs:   a grade may lie between 0 and 1. A confidence: see _calibration_sums.sql.
-- Reads:     steps.calibration.
-- Undefined: no row without log-probabilities, as for predictions that others made; the difference is null
--            without controls/full, and an interval where all samples are of one picture.

with

errors as (

    select
        model,
        recipe,
        benchmark,
        any_value(n_samples) filter (where left_out = 0) as n_samples,
        point(brier, left_out) as brier,
        jackknife_error(brier, left_out) as standard_error,
        point(brier_difference, left_out) as difference,
        jackknife_error(brier_difference, left_out) as difference_error
    from steps.calibration
    group by all

)

select
    *,
    round(greatest(0, brier - 1.96 * standard_error), 9) as low,
    round(least(1, brier + 1.96 * standard_error), 9) as high,
    round(difference - 1.96 * difference_error, 9) as difference_low,
    round(difference + 1.96 * difference_error, 9) as difference_high
from errors
order by model, recipe, benchmark
