-- layers: how far each linear layer's achieved budget is from the one that was asked of it.
--
-- Grain:     one row per model, recipe, layer of a method that treats all layers alike.
-- Unit:      shares kept. allowed_deviation is 2 % of the asked budget, or one weight in a row of 128 where
--            that is more: a row keeps a whole number of weights.
-- Reads:     audits.
-- Undefined: never.

with

bounded as (

    select
        model,
        recipe,
        layer,
        budget,
        achieved_budget,
        round(abs(achieved_budget - budget), 9) as deviation,
        round(greatest(0.02 * budget, 1 / 128), 9) as allowed_deviation
    from audits
    where budget is not null

)

select * from bounded
order by model, recipe, layer
