-- bounds: what an answer kept, beside what there was to keep.
--
-- Grain: one row per model, recipe, benchmark, sample_id.
-- Reads: answers.
-- A picture made smaller can be cut into tiles of another shape, and so into more tokens: it is left out.

select
    model,
    recipe,
    benchmark,
    sample_id,
    visual_tokens_kept,
    visual_tokens,
    cache_bytes,
    full_cache_bytes
from answers
where not contains(recipe, 'controls/downsample')
