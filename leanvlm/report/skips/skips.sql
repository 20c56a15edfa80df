-- skips: what of the grid was not run, and why.
--
-- Grain: one row per model, recipe, reason; equal reasons of one recipe are told once.
-- Reads: skips.

select
    model,
    recipe,
    reason,
    string_agg(benchmark, ', ' order by benchmark) as benchmark
from skips
group by all
order by model, recipe, reason
