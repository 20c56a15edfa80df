-- cells: what each cell of the grid costs, keeps, and whether a cache method can change its answers.
--
-- Grain:     one row per model, recipe, benchmark.
-- Reads:     stored_cells, answers.
-- Unit:      n_refused: samples that the model could not be asked; they count as wrong, means leave them out.
-- Undefined: is_sensitive_to_cache is null where the benchmark has no answers of controls/full; visual_kept
--            is null where the prompt has no visual tokens.

with

answer_means as (

    select
        model,
        recipe,
        benchmark,
        count(*) as n,
        count(refusal) as n_refused,
        median(new_tokens) filter (where refusal is null) as median_new_tokens,
        avg(cache_bytes) filter (where refusal is null) as cache_bytes,
        avg(full_cache_bytes) filter (where refusal is null) as full_cache_bytes,
        round(avg(cache_kept order by sample_id) filter (where refusal is null), 9) as cache_kept,
        round(avg(visual_tokens_kept / nullif(visual_tokens, 0) order by sample_id), 9) as visual_kept
    from answers
    group by all

),

sensitivity as (

    -- eviction follows prefill, so no cache method can change the first of an answer's tokens
    select
        model,
        benchmark,
        median_new_tokens > 2 as is_sensitive_to_cache
    from answer_means
    where recipe = 'controls/full'

),

joined as (

    select
        stored_cells.model,
        stored_cells.recipe,
        stored_cells.benchmark,
        stored_cells.checkpoint,
        stored_cells.family,
        stored_cells.acts_on,
        coalesce(answer_means.n, 0) as n,
        coalesce(answer_means.n_refused, 0) as n_refused,
        answer_means.median_new_tokens,
        sensitivity.is_sensitive_to_cache,
        stored_cells.weights_bytes,
        stored_cells.full_weights_bytes,
        answer_means.cache_bytes,
        answer_means.full_cache_bytes,
        answer_means.cache_kept,
        answer_means.visual_kept,
        stored_cells.cell_key
    from stored_cells
    left join answer_means
        on
            stored_cells.model = answer_means.model
            and stored_cells.recipe = answer_means.recipe
            and stored_cells.benchmark = answer_means.benchmark
    left join sensitivity
        on
            stored_cells.model = sensitivity.model
            and stored_cells.benchmark = sensitivity.benchmark

)

select * from joined
order by model, recipe, benchmark
