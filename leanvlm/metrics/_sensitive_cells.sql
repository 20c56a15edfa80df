-- _sensitive_cells: the cells whose answers a cache method can change.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      none; a cell is in the list or not.
-- Source:    ours: eviction follows prefill, so the first token is the full model's; cells.sql asks for a
--            median of more than two tokens.
-- Reads:     cells.
-- Undefined: a benchmark that the full model did not answer is not in the list.

select
    model,
    recipe,
    benchmark
from cells
where is_sensitive_to_cache
