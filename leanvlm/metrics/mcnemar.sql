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
-- Reads:     _grades, _counted_cells, _control_cells.
-- Undefined: 1 where the two never disagree. Right is a grade of 1; partly right is not. Cache methods are
--            compared where they can change answers.

with

pairs as (

    select
        model,
        recipe,
        benchmark,
        control_recipe as other
    from _control_cells
    union all
    select
        model,
        recipe,
        benchmark,
        'controls/full' as other
    from _counted_cells
    where recipe != 'controls/full'

),

counts as (

    select
        pairs.model,
        pairs.recipe,
        pairs.other,
        cast(sum(list_dot_product(recipe_grades.is_graded, other_grades.is_graded)) as bigint) as n_samples,
        cast(sum(list_dot_product(recipe_grades.is_right, other_grades.is_right)) as bigint) as n_both,
        cast(sum(list_dot_product(recipe_grades.is_right, other_grades.is_graded)) as bigint) as n_recipe,
        cast(sum(list_dot_product(recipe_grades.is_graded, other_grades.is_right)) as bigint) as n_other
    from pairs
    inner join _grades as recipe_grades
        on
            pairs.model = recipe_grades.model
            and pairs.recipe = recipe_grades.recipe
            and pairs.benchmark = recipe_grades.benchmark
    inner join _grades as other_grades
        on
            pairs.model = other_grades.model
            and pairs.other = other_grades.recipe
            and pairs.benchmark = other_grades.benchmark
            and recipe_grades.block = other_grades.block
    group by all

),

disagreements as (

    select
        model,
        recipe,
        other,
        n_samples,
        n_recipe - n_both as n_only_recipe,
        n_other - n_both as n_only_other,
        n_recipe + n_other - 2 * n_both as n_tosses,
        least(n_recipe, n_other) - n_both as n_fewer
    from counts

),

tails as (

    -- terms far below the last one are too small to count; the largest come first
    select
        model,
        recipe,
        other,
        n_samples,
        n_only_recipe,
        n_only_other,
        list_sum(
            list_transform(
                range(n_fewer, greatest(-1, n_fewer - 40 - 6 * cast(ceil(sqrt(n_tosses)) as bigint)), -1),
                lambda heads: exp(
                    lgamma(n_tosses + 1) - lgamma(heads + 1) - lgamma(n_tosses - heads + 1) - n_tosses * ln(2)
                )
            )
        ) as tail
    from disagreements

),

tests as (

    select
        model,
        recipe,
        other,
        n_samples,
        n_only_recipe,
        n_only_other,
        round(least(1, 2 * tail), 9) as mcnemar,
        case
            when 2 * tail >= 0.05 then 'tie'
            when n_only_recipe > n_only_other then 'better'
            else 'worse'
        end as verdict
    from tails

)

select * from tests
order by model, recipe, other
