-- _above_blind_bootstrap: the share kept of what looking at the picture adds, in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate.
-- Unit:      (recipe - blind) / (full - blind); gain: full - blind, in mean grade, -1 to 1.
-- Source:    Efron and Tibshirani 1993, chapter 6.
-- Reads:     _bootstrap.
-- Undefined: null where full and blind are equal. No row where a benchmark was not asked without the picture.

with

blind_means as (

    select
        model,
        benchmark,
        replicate,
        mean_grade as blind_mean_grade,
        full_mean_grade - mean_grade as gain
    from _bootstrap
    where recipe = 'controls/blind'

),

shares as (

    select
        _bootstrap.model,
        _bootstrap.recipe,
        _bootstrap.benchmark,
        _bootstrap.replicate,
        blind_means.gain,
        (_bootstrap.mean_grade - blind_means.blind_mean_grade) / nullif(blind_means.gain, 0)
            as accuracy_above_blind
    from _bootstrap
    inner join blind_means
        on
            _bootstrap.model = blind_means.model
            and _bootstrap.benchmark = blind_means.benchmark
            and _bootstrap.replicate = blind_means.replicate

)

select * from shares
