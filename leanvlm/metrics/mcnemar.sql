-- mcnemar: how likely chance alone makes two recipes disagree so unevenly on what they answer rightly.
--
-- Grain:     one row per model, recipe, other: controls/full, and every control that keeps as much.
-- Unit:      p value, two-sided, 0 to 1: twice the chance that a fair coin falls as unevenly as n_only_recipe
--            (samples that the recipe alone answers rightly) and n_only_other. verdict at 5 %: better, worse
--            or tie.
-- Source:    McNemar 1947, Psychometrika 12; the exact binomial test at any count, not its normal
--            approximation.
-- Departs:   samples of one picture are taken as independent, which beats_control does not do. Not corrected
--            for the number of tests.
-- Reads:     steps.grades, steps.outcomes, steps.counted_cells, steps.control_cells.
-- Undefined: 1 where the two never disagree. Right is a grade of 1; partly right is not. Cache methods are
--            compared where they can change answers.

with

pairs as (

    select
        model,
        recipe,
        benchmark,
        control_recipe as other
    from steps.control_cells
    union all
    select
        model,
        recipe,
        benchmark,
        'controls/full' as other
    from steps.counted_cells
    where recipe != 'controls/full'

),

blocks as (

    select
        grades.model,
        grades.recipe,
        grades.benchmark,
        grades.block,
        grades.is_graded,
        coalesce(outcomes.has_outcome, bitstring('0', 1024)) as is_right
    from steps.grades as grades
    left join steps.outcomes as outcomes
        on
            grades.model = outcomes.model
            and grades.recipe = outcomes.recipe
            and grades.benchmark = outcomes.benchmark
            and grades.block = outcomes.block
            and outcomes.outcome = 'right'

),

counts as (

    select
        pairs.model,
        pairs.recipe,
        pairs.other,
        cast(sum(bit_count(mine.is_graded & others.is_graded)) as bigint) as n_samples,
        cast(sum(bit_count(mine.is_right & others.is_graded & ~others.is_right)) as bigint) as n_only_recipe,
        cast(sum(bit_count(others.is_right & mine.is_graded & ~mine.is_right)) as bigint) as n_only_other
    from pairs
    inner join blocks as mine
        on
            pairs.model = mine.model
            and pairs.recipe = mine.recipe
            and pairs.benchmark = mine.benchmark
    inner join blocks as others
        on
            pairs.model = others.model
            and pairs.other = others.recipe
            and pairs.benchmark = others.benchmark
            and mine.block = others.block
    group by all

),

tests as (

    select
        *,
        mcnemar_p(n_only_recipe, n_only_other) as mcnemar
    from counts

)

select
    *,
    case
        when mcnemar >= 0.05 then 'tie'
        when n_only_recipe > n_only_other then 'better'
        else 'worse'
    end as verdict
from tests
order by model, recipe, other
