-- why: the three properties of a sample that go together most with what a recipe loses.
--
-- Grain:     one row per model, recipe, strength.
-- Unit:      loss_effect: grades lost for one standard deviation more of the property; low and high: 95 %
--            interval. mean_loss: over the n_samples that the full model answers rightly.
-- Reads:     loss_effect.
-- Undefined: as in leanvlm/metrics/loss_effect.sql.

select
    model,
    recipe,
    strength,
    property,
    n_samples,
    mean_loss,
    loss_effect,
    low,
    high,
    coalesce(low > 0 or high < 0, false) as is_sure
from loss_effect
where strength <= 3
order by model, recipe, strength
