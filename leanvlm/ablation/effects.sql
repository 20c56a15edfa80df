-- effects: which knob explains what a recipe loses.
--
-- Grain:     one row per model, recipe, benchmark, knob.
-- Unit:      effect is the loss at the hardest level less the loss at the easiest, in mean grade,
--            -1 to 1; low and high: 95 % interval. verdict: grows or shrinks where the interval
--            leaves 0 out, else unclear. rank: 1 for the knob of the largest effect of a recipe
--            on a benchmark.
-- Reads:     levels, _losses.
-- Undefined: rank is null where the verdict is unclear.

with

ends as (

    select
        model,
        recipe,
        benchmark,
        knob,
        arg_min(level, position) as easiest,
        arg_max(level, position) as hardest,
        arg_max(loss, position) - arg_min(loss, position) as effect
    from levels
    where recipe <> 'controls/full'
    group by all

),

drawn as (

    select
        model,
        recipe,
        benchmark,
        knob,
        replicate,
        arg_max(loss, position) - arg_min(loss, position) as effect
    from _losses
    group by all

),

intervals as (

    select
        model,
        recipe,
        benchmark,
        knob,
        low(effect, replicate) as low,
        high(effect, replicate) as high
    from drawn
    group by all

),

judged as (

    select
        ends.*,
        intervals.low,
        intervals.high,
        case
            when intervals.low > 0 then 'grows'
            when intervals.high < 0 then 'shrinks'
            else 'unclear'
        end as verdict
    from ends
    inner join intervals
        on
            ends.model = intervals.model
            and ends.recipe = intervals.recipe
            and ends.benchmark = intervals.benchmark
            and ends.knob = intervals.knob

),

ranked as (

    select
        model,
        recipe,
        benchmark,
        knob,
        easiest,
        hardest,
        verdict,
        round(effect, 9) as effect,
        round(low, 9) as low,
        round(high, 9) as high,
        case
            when verdict <> 'unclear'
                then
                    rank() over (
                        partition by model, recipe, benchmark, verdict = 'unclear'
                        order by abs(effect) desc
                    )
        end as rank
    from judged

)

select * from ranked
order by model, recipe, benchmark, rank nulls last, knob
