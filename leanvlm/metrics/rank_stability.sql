-- rank_stability: how often a recipe keeps its rank by overall performance when samples are drawn anew.
--
-- Grain:     one row per model, recipe; controls are not ranked.
-- Unit:      share of replicates, 0 to 1. Higher is surer. rank: 1 = best of the n_recipes of one model,
--            family and setting; probability_best: share of replicates in which none is better; low and
--            high: 95 % interval of the rank. best_rank counts only rivals that are better beyond the error
--            (the 95 % interval of the paired difference), worst_rank also those that tie.
-- Source:    ours; Goldstein and Spiegelhalter 1996, Journal of the Royal Statistical Society A 159, on
--            intervals of ranks.
-- Departs:   cache recipes are ranked where they can change answers.
-- Reads:     steps.counted_cells, ranked_performance, steps.performance.
-- Undefined: no row for a recipe without a performance; equals share a rank.

with

contestants as (

    select distinct
        model,
        recipe,
        family,
        acts_on,
        setting
    from steps.counted_cells
    where family != 'controls' and recipe != 'controls/full'

),

ranked as (

    select
        contestants.model,
        contestants.recipe,
        contestants.family,
        contestants.setting,
        count(*) over contest as n_recipes,
        rank() over (
            contest
            order by ranked_performance.ranked_performance desc
        ) as rank
    from contestants
    inner join ranked_performance
        on
            contestants.model = ranked_performance.model
            and contestants.recipe = ranked_performance.recipe
    window contest as (partition by contestants.model, contestants.family, contestants.setting)

),

replicates as (

    select
        contestants.model,
        contestants.recipe,
        contestants.family,
        contestants.setting,
        performance.replicate,
        round(performance.overall_performance, 12) as performance
    from contestants
    inner join steps.performance as performance
        on
            contestants.model = performance.model
            and contestants.recipe = performance.recipe
            and performance.scope = case when contestants.acts_on = 'cache' then 'sensitive' else 'all' end
    where performance.replicate > 0

),

replicate_ranks as (

    select
        model,
        recipe,
        rank() over (partition by model, family, setting, replicate order by performance desc) as rank
    from replicates

),

stabilities as (

    select
        ranked.model,
        ranked.recipe,
        count(*) filter (where replicate_ranks.rank = ranked.rank) / count(*) as rank_stability,
        count(*) filter (where replicate_ranks.rank = 1) / count(*) as probability_best,
        quantile_disc(replicate_ranks.rank, 0.025) as low,
        quantile_disc(replicate_ranks.rank, 0.975) as high
    from ranked
    inner join replicate_ranks
        on
            ranked.model = replicate_ranks.model
            and ranked.recipe = replicate_ranks.recipe
    group by all

),

leads as (

    select
        mine.model,
        mine.recipe,
        rivals.recipe as rival,
        quantile_cont(rivals.performance - mine.performance, 0.025) as low,
        quantile_cont(rivals.performance - mine.performance, 0.975) as high
    from replicates as mine
    inner join replicates as rivals
        on
            mine.model = rivals.model
            and mine.family = rivals.family
            and mine.setting = rivals.setting
            and mine.replicate = rivals.replicate
    group by all

),

bounds as (

    select
        model,
        recipe,
        1 + count(*) filter (where round(low, 6) > 0) as best_rank,
        count(*) - count(*) filter (where round(high, 6) < 0) as worst_rank
    from leads
    group by all

),

joined as (

    select
        ranked.model,
        ranked.recipe,
        ranked.family,
        ranked.setting,
        ranked.n_recipes,
        ranked.rank,
        round(stabilities.rank_stability, 9) as rank_stability,
        round(stabilities.probability_best, 9) as probability_best,
        stabilities.low,
        stabilities.high,
        bounds.best_rank,
        bounds.worst_rank
    from ranked
    left join stabilities
        on
            ranked.model = stabilities.model
            and ranked.recipe = stabilities.recipe
    left join bounds
        on
            ranked.model = bounds.model
            and ranked.recipe = bounds.recipe

)

select * from joined
order by model, recipe
