-- _loyalty_bootstrap: the share of a cell's answers that are the full model's, in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate.
-- Unit:      share of samples, 0 to 1; answers are compared in one spelling.
-- Source:    Efron and Tibshirani 1993, chapter 6.
-- Reads:     _same_answers, _resamples.
-- Undefined: no row where no sample counts.

with

sums as (

    select
        _same_answers.model,
        _same_answers.recipe,
        _same_answers.benchmark,
        _resamples.replicate,
        sum(list_dot_product(_same_answers.is_same, _resamples.times)) as n_same,
        sum(
            case
                when _same_answers.n_asked = len(_resamples.times) then _resamples.n_times
                else list_dot_product(_same_answers.is_asked, _resamples.times)
            end
        ) as n_times
    from _same_answers
    inner join _resamples
        on
            _same_answers.benchmark = _resamples.benchmark
            and _same_answers.block = _resamples.block
    group by all

),

shares as (

    select
        model,
        recipe,
        benchmark,
        replicate,
        n_same / n_times as loyalty
    from sums
    where n_times > 0

)

select * from shares
