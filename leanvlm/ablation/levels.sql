-- levels: what each recipe loses at each level of a knob.
--
-- Grain:     one row per model, recipe, benchmark, knob, level.
-- Unit:      accuracy and loss are mean grades, 0 to 1; loss is the full model's less the
--            recipe's, over the same samples. low and high: 95 % interval of the loss.
-- Reads:     ablation, _losses.
-- Undefined: never null.

with

means as (

    select
        model,
        recipe,
        benchmark,
        knob,
        position,
        level,
        count(*) as n_samples,
        avg(cast(grade as decimal(10, 9))) as accuracy
    from ablation
    group by all

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        knob,
        level,
        low(loss, replicate) as low,
        high(loss, replicate) as high
    from _losses
    group by all

),

full_means as (

    select * from means
    where recipe = 'controls/full'

),

joined as (

    select
        means.model,
        means.recipe,
        means.benchmark,
        means.knob,
        means.position,
        means.level,
        means.n_samples,
        round(means.accuracy, 9) as accuracy,
        round(full_means.accuracy - means.accuracy, 9) as loss,
        round(intervals.low, 9) as low,
        round(intervals.high, 9) as high
    from means
    inner join full_means
        on
            means.model = full_means.model
            and means.benchmark = full_means.benchmark
            and means.knob = full_means.knob
            and means.level = full_means.level
    inner join intervals
        on
            means.model = intervals.model
            and means.recipe = intervals.recipe
            and means.benchmark = intervals.benchmark
            and means.knob = intervals.knob
            and means.level = intervals.level

)

select * from joined
order by model, recipe, benchmark, knob, position
