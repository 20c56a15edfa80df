-- trust: how well a recipe knows what it gets right, and how often the form of an answer costs its worth.
--
-- Grain:     one row per model, recipe.
-- Unit:      calibration_error and brier: mean over benchmarks, 0 to 1, and their differences from
--            controls/full; format_failures: share of all answers (Wilson's interval). low and high: 95 %
--            intervals.
-- Reads:     calibration_error, brier, format_failures.
-- Undefined: null where answers have no log-probabilities, or where there is no full model to compare with.

with

sure as (

    -- benchmarks are drawn apart, so the variances of their means add up
    select
        calibration_error.model,
        calibration_error.recipe,
        count(*) as n_benchmarks,
        avg(calibration_error.calibration_error order by brier.benchmark) as calibration_error,
        1.96 * sqrt(sum(calibration_error.standard_error ^ 2 order by brier.benchmark)) / count(*)
            as half_width,
        avg(calibration_error.difference order by brier.benchmark) as difference,
        1.96 * sqrt(sum(calibration_error.difference_error ^ 2 order by brier.benchmark)) / count(*)
            as difference_half_width,
        avg(brier.brier order by brier.benchmark) as brier,
        avg(brier.difference order by brier.benchmark) as brier_difference,
        1.96 * sqrt(sum(brier.difference_error ^ 2 order by brier.benchmark)) / count(*)
            as brier_half_width
    from calibration_error
    inner join brier
        on
            calibration_error.model = brier.model
            and calibration_error.recipe = brier.recipe
            and calibration_error.benchmark = brier.benchmark
    group by all

),

failures as (

    select
        model,
        recipe,
        cast(sum(n_samples) as bigint) as n_samples,
        cast(sum(round(format_failures * n_samples)) as bigint) as n_failures
    from format_failures
    group by all

),

formats as (

    select
        model,
        recipe,
        n_failures / n_samples as format_failures,
        (n_failures + 3.8416 / 2) / (n_samples + 3.8416) as middle,
        1.96 / (n_samples + 3.8416)
        * sqrt(n_failures * (n_samples - n_failures) / n_samples + 3.8416 / 4) as format_half_width
    from failures

)

select
    formats.model,
    formats.recipe,
    sure.calibration_error,
    greatest(0, sure.calibration_error - sure.half_width) as low,
    least(1, sure.calibration_error + sure.half_width) as high,
    sure.difference,
    sure.difference - sure.difference_half_width as difference_low,
    sure.difference + sure.difference_half_width as difference_high,
    sure.brier,
    sure.brier_difference,
    sure.brier_difference - sure.brier_half_width as brier_low,
    sure.brier_difference + sure.brier_half_width as brier_high,
    formats.format_failures,
    greatest(0, formats.middle - formats.format_half_width) as format_low,
    least(1, formats.middle + formats.format_half_width) as format_high
from formats
left join sure
    on
        formats.model = sure.model
        and formats.recipe = sure.recipe
order by formats.model, formats.recipe != 'controls/full', formats.recipe
