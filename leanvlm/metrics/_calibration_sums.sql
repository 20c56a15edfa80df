-- _calibration_sums: how sure a cell's answers are and what they are worth, added up by bin and cluster.
--
-- Grain:     one row per model, recipe, benchmark, bin, cluster_number.
-- Unit:      n_samples; gap: confidence less grade, squares: its square, both added up, in billionths. A
--            confidence is the geometric mean of the probabilities that the model gave an answer's tokens, 0
--            to 1. Bins of equal width: bin b holds confidences over (b - 1) / 10 and up to b / 10.
--            cluster_number is the same for samples of one picture.
-- Source:    Malinin and Gales 2021, arXiv 2002.07650 (mean over tokens: the probability of a whole answer
--            falls with its length, which recipes change); bins: Guo et al. 2017, arXiv 1706.04599, section
--            2. Clusters: Wolter 2007, Introduction to Variance Estimation, chapter 2 (random groups).
-- Departs:   Guo et al. have right and wrong alone; here a grade may lie between. A benchmark has 128
--            clusters; where it has more pictures, several share one.
-- Reads:     answers, grades, steps.samples, steps.left_out.
-- Undefined: no row for answers without a log-probability, as refused ones, or without a grade.

with

sure as (

    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        samples.picture_index % 128 + 1 as cluster_number,
        cast(round(exp(answers.log_probability / answers.new_tokens) * 1000000000) as bigint) as confidence,
        cast(round(grades.grade * 1000000000) as bigint) as grade
    from answers
    inner join grades
        on
            answers.model = grades.model
            and answers.recipe = grades.recipe
            and answers.benchmark = grades.benchmark
            and answers.sample_id = grades.sample_id
    inner join steps.samples as samples
        on
            answers.benchmark = samples.benchmark
            and answers.sample_id = samples.sample_id
    anti join steps.left_out as left_out
        on
            answers.model = left_out.model
            and answers.benchmark = left_out.benchmark
            and answers.sample_id = left_out.sample_id
    where answers.log_probability is not null and answers.new_tokens > 0

)

select
    model,
    recipe,
    benchmark,
    greatest(1, (confidence + 99999999) // 100000000) as bin,
    cluster_number,
    count(*) as n_samples,
    cast(sum(confidence) as bigint) as confidence,
    cast(sum(confidence - grade) as bigint) as gap,
    cast(sum(cast(confidence - grade as hugeint) * (confidence - grade) // 1000000000) as bigint) as squares
from sure
group by all
