-- _time_ratios: what each timing is worth beside the full model's of the same repeat.
--
-- Grain:     one row per timing.
-- Unit:      full seconds / seconds, 1.0 = the full model. Higher is better.
-- Source:    EffiVLM-Bench, arXiv 2506.00479: measured time, not counted operations.
-- Reads:     timings.
-- Undefined: null where a time is 0.

select
    model,
    recipe,
    device,
    engine,
    dtype,
    attention,
    axis,
    batch_size,
    prompt_tokens,
    visual_tokens,
    new_tokens,
    is_shape_only,
    phase,
    process,
    repeat,
    seconds,
    full_seconds,
    full_seconds / nullif(seconds, 0) as ratio
from timings
