-- audit: what a recipe leaves of visual tokens and of the cache, in units that all methods share.
--
-- Grain:     one row per model, recipe.
-- Unit:      shares, 1.0 = the full model: visual tokens that enter a decoder layer, mean over layers; bytes
--            of the key-value cache after prefill and eviction. Mean over benchmarks.
-- Reads:     cells.
-- Undefined: null without answers, or without a picture.

select
    model,
    recipe,
    avg(visual_kept order by benchmark) as visual_kept,
    avg(cache_bytes / full_cache_bytes order by benchmark) as cache_bytes_kept
from cells
group by all
order by model, recipe
