-- compared: each number that the paper prints beside what its printed scores give.
--
-- Grain:     one row per metric, model, method, budget that is printed.
-- Unit:      difference is recomputed - printed, in the metric's own unit.
-- Source:    leanvlm/paper/printed.csv, which documents what is to be expected of each number.
-- Reads:     printed, recomputed.
-- Undefined: recomputed and difference are null where too little is published for it.
--
-- outcome:   match (equal to the printed digits), not recomputable, what is documented (within
--            0.0011, probable misprint, differs) where the documented difference is found, or lost.

with

joined as (

    select
        printed.place,
        printed.metric,
        printed.model,
        printed.method,
        printed.budget,
        printed.printed,
        printed.documented,
        printed.documented_difference,
        recomputed.recomputed,
        coalesce(printed.why, '') as why,
        round(recomputed.recomputed - cast(printed.printed as double), 9) as difference
    from printed
    left join recomputed
        on
            printed.metric = recomputed.metric
            and printed.scores = recomputed.scores
            and printed.model is not distinct from recomputed.model
            and printed.method = recomputed.method
            and printed.budget = recomputed.budget

),

rounded as (

    -- to as many digits as are printed, and as decimals, which compare exactly
    select
        *,
        cast(printed as decimal(9, 4)) as printed_number,
        cast(documented_difference as decimal(9, 4)) as documented_number,
        round(recomputed, cast(length(split_part(printed, '.', 2)) as integer))
            as recomputed_rounded,
        round(difference, cast(length(split_part(documented_difference, '.', 2)) as integer))
            as difference_rounded
    from joined

),

judged as (

    select
        *,
        case
            when recomputed is null then 'not recomputable'
            when cast(recomputed_rounded as decimal(9, 4)) = printed_number then 'match'
            when cast(difference_rounded as decimal(9, 4)) = documented_number then documented
            else 'lost'
        end as outcome
    from rounded

)

select
    metric,
    model,
    method,
    budget,
    printed,
    recomputed,
    difference,
    outcome,
    why,
    outcome = documented as is_as_documented
from judged
order by place
