-- checkpoints: what compressed checkpoints hold in the decoder's linear layers, and what making them cost.
--
-- Grain:     one row per model, recipe.
-- Unit:      zero_share and kept: shares of the weights; least_kept and most_kept: of the layer that keeps
--            least, and most. bits_per_weight with scales, where a pruned weight is free; full_bytes of the
--            same layers in 16 bits, stored_bytes in the file, packed_bytes as a sparse format would be.
-- Reads:     audits, costs.
-- Undefined: no row without a checkpoint.

with

layers as (

    select
        model,
        recipe,
        count(*) as n_layers,
        sum(weights) as n_weights,
        sum(zero_share * weights order by layer) as n_zeros,
        sum(bits_per_weight * weights order by layer) as n_bits,
        min(achieved_budget) as least_kept,
        max(achieved_budget) as most_kept,
        sum(stored_bytes) as stored_bytes,
        sum(packed_bytes) as packed_bytes
    from audits
    group by all

)

select
    layers.model,
    layers.recipe,
    layers.n_layers,
    layers.n_zeros / layers.n_weights as zero_share,
    layers.n_bits / layers.n_weights as bits_per_weight,
    layers.least_kept,
    layers.most_kept,
    2 * layers.n_weights as full_bytes,
    layers.stored_bytes,
    layers.packed_bytes,
    costs.seconds,
    costs.peak_bytes
from layers
inner join costs
    on
        layers.model = costs.model
        and layers.recipe = costs.recipe
order by layers.model, layers.recipe
