-- order_sensitivity: how often a recipe chooses another option once the options stand in another order.
--
-- Grain:     one row per model, recipe, benchmark that asks a question in several orders of its options.
-- Unit:      share of questions, 0 to 1: those of which not all orders are answered with the same option.
--            Lower is better. low and high: 95 % interval (Wilson's); difference: from controls/full, with
--            its interval paired over questions.
-- Source:    Pezeshkpour and Hruschka 2023, arXiv 2308.11483; orders as MMBench asks them, Liu et al. 2023,
--            arXiv 2307.06281. Wilson 1927, Journal of the American Statistical Association 22.
-- Departs:   an answer that chooses nothing is a choice of its own.
-- Reads:     answers, samples.
-- Undefined: the difference is null without controls/full.

with

asked as (

    -- a question is what samples of one group ask that have the same options
    select
        benchmark,
        sample_id,
        group_id,
        options,
        list_sort(options) as sorted_options
    from samples
    where len(options) > 1

),

questions as (

    select
        benchmark,
        group_id,
        sorted_options
    from asked
    group by all
    having count(distinct options) > 1

),

choices as (

    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        asked.group_id,
        asked.sorted_options,
        coalesce(asked.options[ascii(chosen_letter(answers.answer, asked.options)) - 64], '') as choice
    from answers
    inner join asked
        on
            answers.benchmark = asked.benchmark
            and answers.sample_id = asked.sample_id
    semi join questions
        on
            asked.benchmark = questions.benchmark
            and asked.group_id = questions.group_id
            and asked.sorted_options = questions.sorted_options

),

changes as (

    select
        model,
        recipe,
        benchmark,
        group_id,
        sorted_options,
        cast(count(distinct choice) > 1 as integer) as is_changed
    from choices
    group by
        model,
        recipe,
        benchmark,
        group_id,
        sorted_options

),

counts as (

    select
        changes.model,
        changes.recipe,
        changes.benchmark,
        count(*) as n_questions,
        sum(changes.is_changed) as n_changed,
        count(full_changes.is_changed) as n_paired,
        sum(changes.is_changed - full_changes.is_changed) as n_more,
        sum(abs(changes.is_changed - full_changes.is_changed)) as n_other
    from changes
    left join changes as full_changes
        on
            changes.model = full_changes.model
            and changes.benchmark = full_changes.benchmark
            and changes.group_id = full_changes.group_id
            and changes.sorted_options = full_changes.sorted_options
            and full_changes.recipe = 'controls/full'
    group by all

),

shares as (

    -- 1.96 squared is 3.8416
    select
        *,
        n_changed / n_questions as order_sensitivity,
        (n_changed + 3.8416 / 2) / (n_questions + 3.8416) as middle,
        1.96 / (n_questions + 3.8416)
        * sqrt(n_changed * (n_questions - n_changed) / n_questions + 3.8416 / 4) as half_width,
        n_more / nullif(n_paired, 0) as difference,
        1.96 * sqrt(n_other - n_more * n_more / nullif(n_paired, 0)) / nullif(n_paired, 0)
            as difference_half_width
    from counts

)

select
    model,
    recipe,
    benchmark,
    n_questions,
    round(order_sensitivity, 9) as order_sensitivity,
    round(greatest(0, middle - half_width), 9) as low,
    round(least(1, middle + half_width), 9) as high,
    round(difference, 9) as difference,
    round(difference - difference_half_width, 9) as difference_low,
    round(difference + difference_half_width, 9) as difference_high
from shares
order by model, recipe, benchmark
