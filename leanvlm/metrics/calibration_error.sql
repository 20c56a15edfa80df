-- calibration_error: how far a cell's confidence is from its accuracy (ECE).
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      0 to 1. Lower is better: 0 where answers given with confidence c are worth c. Ten bins of equal
--            width. low and high: 95 % interval (jackknife); difference: from controls/full, with its
--            interval paired over samples.
-- Source:    Naeini et al. 2015, Obtaining well calibrated probabilities using Bayesian binning; Guo et al.
--            2017, arXiv 1706.04599, equation 3.
-- Departs:   few samples make it larger than it is (Roelofs et al. 2022, arXiv 2012.08668): read the
--            difference, which has as many on both sides. A confidence: see _calibration_sums.sql.
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
        any_value(mean_confidence) filter (where left_out = 0) as mean_confidence,
        point(calibration_error, left_out) as calibration_error,
        jackknife_error(calibration_error, left_out) as standard_error,
        point(calibration_error_difference, left_out) as difference,
        jackknife_error(calibration_error_difference, left_out) as difference_error
    from steps.calibration
    group by all

)

select
    *,
    round(greatest(0, calibration_error - 1.96 * standard_error), 9) as low,
    round(least(1, calibration_error + 1.96 * standard_error), 9) as high,
    round(difference - 1.96 * difference_error, 9) as difference_low,
    round(difference + 1.96 * difference_error, 9) as difference_high
from errors
order by model, recipe, benchmark
