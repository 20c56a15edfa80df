-- _accuracy: the mean grade of each cell in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate; replicate 0 is the data.
-- Unit:      mean grade, 0 to 1, to nine digits; n_samples: how often samples count in all.
-- Source:    each benchmark's own grading rule; Efron and Tibshirani 1993, chapter 6.
-- Reads:     steps.grade_sums.
-- Undefined: no row where no sample counts.

select
    model,
    recipe,
    benchmark,
    replicate,
    n_samples,
    round(billionths / n_samples / 1000000000, 9) as mean_grade
from steps.grade_sums
where n_samples > 0
