-- _kept: the share of the full model's accuracy that a recipe keeps, in each replicate.
--
-- Grain:     one row per model, recipe, benchmark, replicate; replicate 0 is the data.
-- Unit:      ratio, 1.0 = the full model, to nine digits.
-- Source:    EffiVLM-Bench, arXiv 2506.00479; the ratio inside overall performance.
-- Reads:     steps.accuracy.
-- Undefined: null where the full model's mean grade is 0; no row without controls/full.

select
    accuracy.model,
    accuracy.recipe,
    accuracy.benchmark,
    accuracy.replicate,
    accuracy.n_samples,
    round(accuracy.mean_grade / nullif(full_accuracy.mean_grade, 0), 9) as accuracy_kept
from steps.accuracy as accuracy
inner join steps.accuracy as full_accuracy
    on
        accuracy.model = full_accuracy.model
        and accuracy.benchmark = full_accuracy.benchmark
        and accuracy.replicate = full_accuracy.replicate
        and full_accuracy.recipe = 'controls/full'
