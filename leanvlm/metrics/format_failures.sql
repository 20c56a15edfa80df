-- format_failures: the share of a cell's answers that are in a form which costs them their worth.
--
-- Grain:     one row per model, recipe, benchmark.
-- Unit:      share of samples, 0 to 1. Lower is better. low and high: 95 % interval (Wilson's, which has no
--            width of 0).
-- Source:    ours; Wilson 1927, Journal of the American Statistical Association 22. An answer that no rule
--            can read, or that a person reads as better than the benchmark's owners do, says that a recipe
--            broke the format, not the sight.
-- Reads:     grades.
-- Undefined: never null; a cell without grades has no row, and an answer that no
--            judge graded does not count.

with

counts as (

    select
        model,
        recipe,
        benchmark,
        count(*) as n_samples,
        count(*) filter (where outcome = 'ungradable' or grade > published_grade) as n_failures
    from grades
    where outcome is distinct from 'ungraded'
    group by all

),

wilson as (

    -- the middle and the half width of the interval; 1.96 squared is 3.8416
    select
        model,
        recipe,
        benchmark,
        n_samples,
        n_failures / n_samples as format_failures,
        (n_failures + 3.8416 / 2) / (n_samples + 3.8416) as middle,
        1.96 / (n_samples + 3.8416)
        * sqrt(n_failures * (n_samples - n_failures) / n_samples + 3.8416 / 4) as half_width
    from counts

),

shares as (

    select
        model,
        recipe,
        benchmark,
        n_samples,
        round(format_failures, 9) as format_failures,
        round(greatest(0, middle - half_width), 9) as low,
        round(least(1, middle + half_width), 9) as high
    from wilson

)

select * from shares
order by model, recipe, benchmark
