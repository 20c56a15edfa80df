-- ratios: what each recipe keeps on each benchmark.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      shares, 1.0 = the full model; full_accuracy is the full model's mean grade.
-- Reads:     cells, accuracy, accuracy_kept, accuracy_above_blind.
-- Undefined: null where the metric is null.

with

full_cells as (

    select
        model,
        benchmark,
        accuracy
    from accuracy
    where recipe = 'controls/full'

),

joined as (

    select
        cells.model,
        cells.recipe,
        cells.benchmark,
        cells.acts_on,
        cells.median_new_tokens,
        coalesce(cells.is_sensitive_to_cache, false) as is_sensitive_to_cache,
        cells.acts_on = 'cache' and not coalesce(cells.is_sensitive_to_cache, false) as is_insensitive,
        cells.n as n_samples,
        accuracy_kept.accuracy_kept,
        accuracy_kept.low as accuracy_kept_low,
        accuracy_kept.high as accuracy_kept_high,
        accuracy_above_blind.accuracy_above_blind,
        full_cells.accuracy as full_accuracy
    from cells
    left join accuracy_kept
        on
            cells.model = accuracy_kept.model
            and cells.recipe = accuracy_kept.recipe
            and cells.benchmark = accuracy_kept.benchmark
    left join accuracy_above_blind
        on
            cells.model = accuracy_above_blind.model
            and cells.recipe = accuracy_above_blind.recipe
            and cells.benchmark = accuracy_above_blind.benchmark
    left join full_cells
        on
            cells.model = full_cells.model
            and cells.benchmark = full_cells.benchmark

)

select * from joined
order by model, benchmark, recipe
