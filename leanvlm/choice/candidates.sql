-- candidates: the recipes that can be chosen, with everything measured that a demand can name.
--
-- Grain:     one row per model, recipe.
-- Unit:      measured: a list of quantity, device, amount, low, high. op and benchmarks: share of
--            the full model's accuracy kept; ol: share of samples answered alike; low and high
--            their 95 % intervals. prefill, decode, total: times the full model's speed; low and
--            high: 95 % for another run. memory_bytes: decoder linear layers and the cache of one
--            prompt, on the benchmark that needs most; memory: their share of the full model's.
--            verdict: the worst against any control. stored_bytes and n_weights: of the decoder's
--            linear layers in the file of a checkpoint.
-- Reads:     cells, ranked_performance, accuracy_kept, overall_loyalty, overall_efficiency,
--            memory_kept, beats_control, audits.
-- Undefined: what was not measured is not in the list; device is null where time plays no part;
--            op of a recipe that acts on the cache is over benchmarks whose answers a cache
--            method can change; verdict is null without a control; stored_bytes and n_weights
--            where a recipe is more than a checkpoint: what it joins may make it faster.

with

recipes as (

    select distinct
        model,
        recipe,
        family
    from cells

),

most_bytes as (

    select
        model,
        recipe,
        max(weights_bytes + cache_bytes) as memory_bytes
    from cells
    group by all

),

verdicts as (

    select
        model,
        recipe,
        case
            when bool_or(verdict = 'worse') then 'worse'
            when bool_or(verdict = 'tie') then 'tie'
            else 'better'
        end as verdict
    from beats_control
    group by all

),

stored as (

    select
        model,
        recipe,
        cast(sum(stored_bytes) as bigint) as stored_bytes,
        cast(sum(weights) as bigint) as n_weights
    from audits
    group by all

),

quantities as (

    select
        model,
        recipe,
        'op' as quantity,
        cast(null as varchar) as device,
        ranked_performance as amount,
        low,
        high
    from ranked_performance
    union all
    select
        model,
        recipe,
        benchmark as quantity,
        null as device,
        accuracy_kept as amount,
        low,
        high
    from accuracy_kept
    union all
    select
        model,
        recipe,
        'ol' as quantity,
        null as device,
        overall_loyalty as amount,
        low,
        high
    from overall_loyalty
    where scope = 'all'
    union all
    select
        model,
        recipe,
        phase as quantity,
        device,
        overall_efficiency as amount,
        low,
        high
    from overall_efficiency
    where phase in ('prefill', 'decode', 'total')
    union all
    select
        model,
        recipe,
        'memory' as quantity,
        null as device,
        memory_kept as amount,
        null as low,
        null as high
    from memory_kept
    union all
    select
        model,
        recipe,
        'memory_bytes' as quantity,
        null as device,
        memory_bytes as amount,
        null as low,
        null as high
    from most_bytes

),

measured as (

    select
        model,
        recipe,
        list(
            struct_pack(
                quantity := quantity,
                device := device,
                amount := amount,
                low := low,
                high := high
            )
            order by quantity, device
        ) as measured
    from quantities
    where amount is not null
    group by all

),

candidates as (

    select
        recipes.model,
        recipes.recipe,
        recipes.family,
        verdicts.verdict,
        stored.stored_bytes,
        stored.n_weights,
        coalesce(measured.measured, []) as measured
    from recipes
    left join verdicts
        on
            recipes.model = verdicts.model
            and recipes.recipe = verdicts.recipe
    left join stored
        on
            recipes.model = stored.model
            and recipes.recipe = stored.recipe
    left join measured
        on
            recipes.model = measured.model
            and recipes.recipe = measured.recipe

)

select * from candidates
order by model, recipe
