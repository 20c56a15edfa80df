-- paper_difference: how far a cell's published_score is from the number that EffiVLM-Bench printed for it.
--
-- Grain:     one row per model, recipe, benchmark that has such a number.
-- Unit:      the benchmark's own scale, of which printed_score is told as well; ours less theirs. low and
--            high: 95 % interval of our samples alone, theirs is not known. drift: what is known to move it.
-- Source:    EffiVLM-Bench, arXiv 2506.00479, its tables of token pruning and of parameter compression
--            (leanvlm/paper/counterparts.py says what is what).
-- Reads:     published_score, cells, paper_scores.
-- Undefined: null where no answer is graded.

with

named as (

    -- owner/NAME@revision, or a folder NAME
    select
        model,
        recipe,
        benchmark,
        lower(regexp_extract(rtrim(checkpoint, '/'), '([^/@]+)(@[^/]*)?$', 1)) as checkpoint_name
    from cells

),

beside as (

    select
        published_score.model,
        published_score.recipe,
        published_score.benchmark,
        published_score.n_samples,
        paper_scores.printed_score,
        paper_scores.drift,
        published_score.published_score,
        published_score.low,
        published_score.high
    from published_score
    inner join named
        on
            published_score.model = named.model
            and published_score.recipe = named.recipe
            and published_score.benchmark = named.benchmark
    inner join paper_scores
        on
            named.checkpoint_name = paper_scores.checkpoint_name
            and named.recipe = paper_scores.recipe
            and named.benchmark = paper_scores.benchmark

)

select
    model,
    recipe,
    benchmark,
    n_samples,
    published_score,
    printed_score,
    round(published_score - printed_score, 9) as paper_difference,
    round(low - printed_score, 9) as low,
    round(high - printed_score, 9) as high,
    case
        when published_score is null then 'ungraded'
        when printed_score between low and high then 'within our interval'
        when published_score < printed_score then 'below'
        else 'above'
    end as verdict,
    drift
from beside
order by model, recipe, benchmark
