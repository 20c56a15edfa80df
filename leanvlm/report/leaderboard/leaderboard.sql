-- leaderboard: all that the report says of a recipe as a whole.
--
-- Grain:     one row per model, recipe; best first within family and setting, controls last.
-- Unit:      as the metrics have them. ranked_performance: overall performance over the benchmarks that count
--            for what the recipe acts on; shown_performance: over those on which all families compare.
--            best_rank and worst_rank: the ranks that it may hold among those of its family and setting.
--            verdict_kind: the worst verdict against any control, none without one.
-- Reads:     cells, parts, overall_performance, ranked_performance, rank_stability, overall_generalization,
--            overall_loyalty, memory_kept, beats_control.
-- Undefined: a number that its metric does not have is null.

with

recipes as (

    select distinct
        model,
        recipe,
        family,
        acts_on,
        family = 'controls' as is_control
    from cells

),

joined_parts as (

    select
        model,
        recipe,
        coalesce(string_agg(setting, ' + ' order by position), '') as setting,
        product(budget) as budget,
        list(struct_pack(budget := budget, achieved_budget := achieved_budget) order by position) as parts
    from parts
    group by all

),

verdicts as (

    select
        model,
        recipe,
        list(struct_pack(control := control, verdict := verdict) order by control) as verdicts,
        case
            when bool_or(verdict = 'worse') then 'worse'
            when bool_or(verdict = 'tie') then 'tie'
            else 'better'
        end as verdict_kind
    from beats_control
    group by all

),

performances as (

    -- without a benchmark that cache recipes can disturb, all families are shown over all benchmarks
    select
        overall_performance.model,
        overall_performance.recipe,
        overall_performance.overall_performance,
        overall_performance.low as overall_performance_low,
        overall_performance.high as overall_performance_high,
        coalesce(sensitive.overall_performance, overall_performance.overall_performance) as shown_performance,
        coalesce(sensitive.low, overall_performance.low) as shown_performance_low,
        coalesce(sensitive.high, overall_performance.high) as shown_performance_high,
        overall_performance.mean_accuracy_kept,
        overall_performance.worst_accuracy_kept,
        overall_performance.worst_benchmark
    from overall_performance
    left join overall_performance as sensitive
        on
            overall_performance.model = sensitive.model
            and overall_performance.recipe = sensitive.recipe
            and sensitive.scope = 'sensitive'
    where overall_performance.scope = 'all'

),

joined as (

    select
        recipes.model,
        recipes.recipe,
        recipes.family,
        recipes.acts_on,
        recipes.is_control,
        coalesce(joined_parts.setting, '') as setting,
        joined_parts.budget,
        coalesce(joined_parts.parts, []) as parts,
        performances.overall_performance,
        performances.overall_performance_low,
        performances.overall_performance_high,
        performances.shown_performance,
        performances.shown_performance_low,
        performances.shown_performance_high,
        performances.mean_accuracy_kept,
        performances.worst_accuracy_kept,
        performances.worst_benchmark,
        ranked_performance.ranked_performance,
        ranked_performance.low as ranked_performance_low,
        ranked_performance.high as ranked_performance_high,
        rank_stability.best_rank,
        rank_stability.worst_rank,
        overall_generalization.overall_generalization,
        overall_loyalty.overall_loyalty,
        memory_kept.memory_kept,
        coalesce(verdicts.verdicts, []) as verdicts,
        coalesce(verdicts.verdict_kind, 'none') as verdict_kind
    from recipes
    left join joined_parts
        on
            recipes.model = joined_parts.model
            and recipes.recipe = joined_parts.recipe
    left join performances
        on
            recipes.model = performances.model
            and recipes.recipe = performances.recipe
    left join ranked_performance
        on
            recipes.model = ranked_performance.model
            and recipes.recipe = ranked_performance.recipe
    left join rank_stability
        on
            recipes.model = rank_stability.model
            and recipes.recipe = rank_stability.recipe
    left join overall_loyalty
        on
            recipes.model = overall_loyalty.model
            and recipes.recipe = overall_loyalty.recipe
            and overall_loyalty.scope = 'all'
    left join memory_kept
        on
            recipes.model = memory_kept.model
            and recipes.recipe = memory_kept.recipe
    left join verdicts
        on
            recipes.model = verdicts.model
            and recipes.recipe = verdicts.recipe
    left join overall_generalization
        on
            recipes.recipe = overall_generalization.recipe
            and overall_generalization.scope = 'all'

)

select * from joined
order by
    model asc,
    array_position(['tokens', 'cache', 'weights', 'combined', 'controls'], family) asc,
    array_position(['controls/blind', 'controls/full'], recipe) desc nulls last,
    budget desc nulls last,
    setting asc,
    ranked_performance desc nulls last,
    recipe asc
