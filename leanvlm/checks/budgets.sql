-- budgets: how far each method's achieved budget is from the one that was asked.
--
-- Grain:     one row per model, recipe, position whose method has a budget.
-- Unit:      shares kept. allowed_deviation is 2 % of the asked budget, or one token per run and head where
--            that is more; a whole frame for EVS, which never drops a video's first.
-- Reads:     parts, cells, answers, samples.
-- Undefined: deviation is null where nothing was measured.

with

first_answers as (

    -- a method keeps once, for the first turn of a conversation
    select answers.*
    from answers
    semi join samples
        on
            answers.benchmark = samples.benchmark
            and answers.sample_id = samples.sample_id
            and samples.turn = 1
    where answers.refusal is null

),

received as (

    -- where visual tokens are more than the prompt's, they stand outside it and take none of its positions
    select
        *,
        case
            when visual_tokens < prompt_tokens then prompt_tokens - visual_tokens + visual_tokens_kept
            else prompt_tokens
        end as n_positions
    from first_answers

),

token_shares as (

    -- what one token is of all that a method could keep; a cache method gets what token methods left
    select
        model,
        recipe,
        benchmark,
        avg(visual_runs / nullif(visual_tokens, 0) order by sample_id) as visual_token_share,
        avg(1 / nullif(visual_runs, 0) order by sample_id) as frame_share,
        avg(1 / n_positions order by sample_id) as position_share
    from received
    group by all

),

recipe_shares as (

    select
        model,
        recipe,
        avg(visual_token_share order by benchmark) as visual_token_share,
        avg(frame_share order by benchmark) as frame_share,
        avg(position_share order by benchmark) as position_share
    from token_shares
    group by all

),

methods as (

    select distinct
        recipe,
        acts_on
    from cells

),

asked as (

    -- a control acts on what its recipe does, unless the recipe joins several methods
    select
        parts.model,
        parts.recipe,
        parts.position,
        parts.method,
        parts.budget,
        parts.achieved_budget,
        abs(parts.achieved_budget - parts.budget) as deviation,
        case
            when parts.method like 'weights/%' or methods.acts_on = 'weights' then 0
            when parts.method like 'cache/%' or methods.acts_on = 'cache' then recipe_shares.position_share
            when parts.method = 'tokens/evs' then recipe_shares.frame_share
            else recipe_shares.visual_token_share
        end as token_share
    from parts
    left join methods
        on parts.recipe = methods.recipe
    left join recipe_shares
        on
            parts.model = recipe_shares.model
            and parts.recipe = recipe_shares.recipe
    where parts.budget is not null

),

bounded as (

    select
        model,
        recipe,
        position,
        method,
        budget,
        achieved_budget,
        round(deviation, 9) as deviation,
        round(greatest(0.02 * budget, coalesce(token_share, 0)), 9) as allowed_deviation
    from asked

)

select * from bounded
order by model, recipe, position
