-- flips: what becomes of answers that the full model gives rightly, partly or wrongly.
--
-- Grain:     one row per model, recipe, benchmark, full_outcome, outcome, is_same that occurs.
-- Unit:      number of samples; share_of_cell: of the cell's samples. is_same: the two answers are one in
--            one spelling, so wrong, wrong and not is_same is a wrong answer that became another wrong one.
-- Source:    ours; accuracy hides as many samples as go from right to wrong and back.
-- Reads:     steps.outcomes, steps.same.
-- Undefined: no row without controls/full; is_same is null where answers were not stored.

with

paired as (

    select
        outcomes.model,
        outcomes.recipe,
        outcomes.benchmark,
        full_outcomes.outcome as full_outcome,
        outcomes.outcome,
        outcomes.has_outcome & full_outcomes.has_outcome as is_meant,
        coalesce(same.is_answered, bitstring('0', 1024)) as is_answered,
        coalesce(same.normalised, bitstring('0', 1024)) as is_same
    from steps.outcomes as outcomes
    inner join steps.outcomes as full_outcomes
        on
            outcomes.model = full_outcomes.model
            and outcomes.benchmark = full_outcomes.benchmark
            and outcomes.block = full_outcomes.block
            and full_outcomes.recipe = 'controls/full'
    left join steps.same as same
        on
            outcomes.model = same.model
            and outcomes.recipe = same.recipe
            and outcomes.benchmark = same.benchmark
            and outcomes.block = same.block

),

counts as (

    select
        model,
        recipe,
        benchmark,
        full_outcome,
        outcome,
        unnest([true, false, null]) as is_same,
        unnest([
            bit_count(is_meant & is_same),
            bit_count(is_meant & is_answered & ~is_same),
            bit_count(is_meant & ~is_answered)
        ]) as n
    from paired

),

sums as (

    select
        model,
        recipe,
        benchmark,
        full_outcome,
        outcome,
        is_same,
        cast(sum(n) as bigint) as flips
    from counts
    where n > 0
    group by all

)

select
    *,
    round(flips / sum(flips) over (partition by model, recipe, benchmark), 9) as share_of_cell
from sums
order by model, recipe, benchmark, full_outcome, outcome, is_same
