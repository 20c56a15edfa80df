-- _calibration: how far a cell's confidence is from its worth, and is without each cluster of samples.
--
-- Grain:     one row per model, recipe, benchmark, left_out; 0 is the data, the others the jackknife.
-- Unit:      calibration_error: mean over bins of how far their mean confidence is from their mean grade,
--            each bin weighing as many samples as it has; brier: mean square of confidence less grade. Both 0
--            to 1, to nine digits; their differences: from controls/full, without the same cluster.
-- Source:    Naeini et al. 2015, Obtaining well calibrated probabilities using Bayesian binning; Guo et al.
--            2017, arXiv 1706.04599, equation 3; Brier 1950, Monthly Weather Review 78, for one event.
--            Jackknife over groups: Wolter 2007, Introduction to Variance Estimation, chapter 4.
-- Departs:   not the bootstrap, as elsewhere: what it draws is calibrated worse than the data.
-- Reads:     steps.calibration_sums.
-- Undefined: null where nothing is left; differences are null without controls/full.

with

totals as (

    select
        model,
        recipe,
        benchmark,
        bin,
        sum(n_samples) as n_samples,
        sum(confidence) as confidence,
        sum(gap) as gap,
        sum(squares) as squares
    from steps.calibration_sums
    group by all

),

clusters as (

    select distinct
        model,
        recipe,
        benchmark,
        cluster_number as left_out
    from steps.calibration_sums
    union all
    select distinct
        model,
        recipe,
        benchmark,
        0 as left_out
    from steps.calibration_sums

),

bins as (

    -- whole numbers, whose sums are the same in any order
    select
        clusters.model,
        clusters.recipe,
        clusters.benchmark,
        clusters.left_out,
        totals.n_samples - coalesce(parts.n_samples, 0) as n_samples,
        totals.confidence - coalesce(parts.confidence, 0) as confidence,
        totals.gap - coalesce(parts.gap, 0) as gap,
        totals.squares - coalesce(parts.squares, 0) as squares
    from clusters
    inner join totals
        on
            clusters.model = totals.model
            and clusters.recipe = totals.recipe
            and clusters.benchmark = totals.benchmark
    left join steps.calibration_sums as parts
        on
            totals.model = parts.model
            and totals.recipe = parts.recipe
            and totals.benchmark = parts.benchmark
            and totals.bin = parts.bin
            and clusters.left_out = parts.cluster_number

),

cells as (

    select
        model,
        recipe,
        benchmark,
        left_out,
        cast(sum(n_samples) as bigint) as n_samples,
        round(cast(sum(confidence) as double) / nullif(sum(n_samples), 0) / 1000000000, 9) as mean_confidence,
        round(cast(sum(abs(gap)) as double) / nullif(sum(n_samples), 0) / 1000000000, 9) as calibration_error,
        round(cast(sum(squares) as double) / nullif(sum(n_samples), 0) / 1000000000, 9) as brier
    from bins
    group by all

)

select
    cells.*,
    cells.calibration_error - full_cells.calibration_error as calibration_error_difference,
    cells.brier - full_cells.brier as brier_difference
from cells
left join cells as full_cells
    on
        cells.model = full_cells.model
        and cells.benchmark = full_cells.benchmark
        and cells.left_out = full_cells.left_out
        and full_cells.recipe = 'controls/full'
