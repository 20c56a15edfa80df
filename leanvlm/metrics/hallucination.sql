-- hallucination: how often a recipe answers as if something were in the picture that is not.
--
-- Grain:     one row per model, recipe, benchmark, kind; the kind all holds all kinds.
-- Unit:      share of the n_absent questions about what is not there, 0 to 1. Lower is better. low and high:
--            95 % interval (jackknife); difference: from controls/full, with its interval paired over
--            samples. accuracy, precision, recall, f1 and yes_share are POPE's: a yes, or a right answer, to
--            what is there is found.
-- Source:    Li et al. 2023, arXiv 2305.10355 (POPE), section 4. Jackknife over groups: Wolter 2007,
--            Introduction to Variance Estimation, chapter 4.
-- Reads:     steps.hallucination_sums.
-- Undefined: null where nothing absent is asked about; precision and f1 where nothing is said to be there;
--            the difference without controls/full.

with

clusters as (

    select distinct
        model,
        recipe,
        benchmark,
        kind,
        unnest([cluster_number, 0]) as left_out
    from steps.hallucination_sums

),

counts as (

    select
        clusters.model,
        clusters.recipe,
        clusters.benchmark,
        clusters.kind,
        clusters.left_out,
        cast(sum(sums.n_samples) as bigint) as n_samples,
        cast(sum(sums.n_right) as bigint) as n_right,
        cast(sum(sums.n_absent) as bigint) as n_absent,
        cast(sum(sums.n_made_up) as bigint) as n_made_up,
        cast(sum(sums.n_found) as bigint) as n_found
    from clusters
    inner join steps.hallucination_sums as sums
        on
            clusters.model = sums.model
            and clusters.recipe = sums.recipe
            and clusters.benchmark = sums.benchmark
            and clusters.kind = sums.kind
            and clusters.left_out != sums.cluster_number
    group by all

),

shares as (

    select
        model,
        recipe,
        benchmark,
        kind,
        left_out,
        n_samples,
        n_absent,
        n_right / n_samples as accuracy,
        n_found / nullif(n_found + n_made_up, 0) as precision,
        n_found / nullif(n_samples - n_absent, 0) as recall,
        case
            when n_found + n_made_up > 0 then 2 * n_found / (n_found + n_made_up + n_samples - n_absent)
        end as f1,
        (n_found + n_made_up) / n_samples as yes_share,
        n_made_up / nullif(n_absent, 0) as hallucination
    from counts

),

paired as (

    select
        shares.*,
        shares.hallucination - full_shares.hallucination as difference
    from shares
    left join shares as full_shares
        on
            shares.model = full_shares.model
            and shares.benchmark = full_shares.benchmark
            and shares.kind = full_shares.kind
            and shares.left_out = full_shares.left_out
            and full_shares.recipe = 'controls/full'

),

errors as (

    select
        model,
        recipe,
        benchmark,
        kind,
        any_value(n_samples) filter (where left_out = 0) as n_samples,
        any_value(n_absent) filter (where left_out = 0) as n_absent,
        point(accuracy, left_out) as accuracy,
        point(precision, left_out) as precision,
        point(recall, left_out) as recall,
        point(f1, left_out) as f1,
        jackknife_error(f1, left_out) as f1_error,
        point(yes_share, left_out) as yes_share,
        point(hallucination, left_out) as hallucination,
        jackknife_error(hallucination, left_out) as standard_error,
        point(difference, left_out) as difference,
        jackknife_error(difference, left_out) as difference_error
    from paired
    group by all

)

select
    *,
    round(greatest(0, hallucination - 1.96 * standard_error), 9) as low,
    round(least(1, hallucination + 1.96 * standard_error), 9) as high,
    round(difference - 1.96 * difference_error, 9) as difference_low,
    round(difference + 1.96 * difference_error, 9) as difference_high
from errors
order by model, recipe, benchmark, kind
