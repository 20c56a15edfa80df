-- orders: how often a recipe chooses another option once the options stand in another order.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      share of questions; low and high: 95 % intervals; difference: from controls/full.
-- Reads:     order_sensitivity.
-- Undefined: as in leanvlm/metrics/order_sensitivity.sql.

select
    model,
    recipe,
    benchmark,
    n_questions,
    order_sensitivity,
    low,
    high,
    difference,
    difference_low,
    difference_high
from order_sensitivity
order by model, benchmark, recipe != 'controls/full', recipe
