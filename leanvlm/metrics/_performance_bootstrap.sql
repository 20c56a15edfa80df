-- _performance_bootstrap: overall performance in each replicate.
--
-- Grain:     one row per model, recipe, replicate.
-- Unit:      ratios, 1.0 = the full model; as overall_performance has them.
-- Source:    Efron and Tibshirani 1993, chapter 6.
-- Reads:     _bootstrap, accuracy_kept, _sensitive_cells.
-- Undefined: as overall_performance.

with

ratios as (

    -- a benchmark that has no ratio does not count in any replicate
    select
        _bootstrap.model,
        _bootstrap.recipe,
        _bootstrap.benchmark,
        _bootstrap.replicate,
        _bootstrap.accuracy_kept,
        case when _sensitive_cells.benchmark is not null then _bootstrap.accuracy_kept end
            as accuracy_kept_sensitive
    from _bootstrap
    inner join accuracy_kept
        on
            _bootstrap.model = accuracy_kept.model
            and _bootstrap.recipe = accuracy_kept.recipe
            and _bootstrap.benchmark = accuracy_kept.benchmark
    left join _sensitive_cells
        on
            _bootstrap.model = _sensitive_cells.model
            and _bootstrap.recipe = _sensitive_cells.recipe
            and _bootstrap.benchmark = _sensitive_cells.benchmark
    where accuracy_kept.accuracy_kept is not null

),

performances as (

    select
        model,
        recipe,
        replicate,
        sqrt(avg(accuracy_kept * accuracy_kept order by benchmark)) as overall_performance,
        sqrt(avg(accuracy_kept_sensitive * accuracy_kept_sensitive order by benchmark))
            as overall_performance_sensitive
    from ratios
    group by all

)

select * from performances
