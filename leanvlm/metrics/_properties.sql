-- _properties: what is known of each sample that the full model answers rightly, on one scale.
--
-- Grain:     one row per model, benchmark, sample_id, property.
-- Unit:      millionths of a standard deviation above the mean over a model's samples; the empty property
--            is 1 for every sample, in millionths too. Numbers of tokens and runs are taken as logarithms.
--            n_objects, text_density, evidence_x, evidence_y and other numbers: what `difficulty` says of a
--            sample. kind: 1 where a question is of it, else 0.
-- Source:    ours; standardised coefficients: Cohen et al. 2003, Applied Multiple Regression, chapter 3.
-- Departs:   a property that is not known of a sample is its mean there, and so explains nothing.
-- Reads:     grades, answers, samples, steps.samples, steps.left_out.
-- Undefined: no row of a property that is known of less than a twentieth of the samples, or the same for
--            all; a number of `difficulty` that all samples of a benchmark share is not theirs.

with

asked as (

    select
        grades.model,
        grades.benchmark,
        grades.sample_id,
        answers.new_tokens,
        answers.visual_tokens,
        -- where visual tokens are more than the prompt's, they stand outside it
        case
            when answers.visual_tokens < answers.prompt_tokens
                then answers.prompt_tokens - answers.visual_tokens
            else answers.prompt_tokens
        end as text_tokens,
        answers.visual_runs,
        len(samples.options) as n_options,
        grades.benchmark || '/' || samples.kind as kind,
        samples.difficulty
    from grades
    inner join answers
        on
            grades.model = answers.model
            and grades.recipe = answers.recipe
            and grades.benchmark = answers.benchmark
            and grades.sample_id = answers.sample_id
    inner join samples
        on
            grades.benchmark = samples.benchmark
            and grades.sample_id = samples.sample_id
    inner join steps.samples as places
        on
            grades.benchmark = places.benchmark
            and grades.sample_id = places.sample_id
            and places.block = 0
    anti join steps.left_out as left_out
        on
            grades.model = left_out.model
            and grades.benchmark = left_out.benchmark
            and grades.sample_id = left_out.sample_id
    where grades.recipe = 'controls/full' and grades.outcome = 'right'

),

sizes as (

    select
        model,
        count(*) as n_samples
    from asked
    group by all

),

kinds as (

    select
        asked.model,
        asked.kind
    from asked
    inner join sizes
        on asked.model = sizes.model
    where asked.kind is not null
    group by all
    having count(*) * 20 >= any_value(sizes.n_samples)

),

keyed as (

    select
        model,
        benchmark,
        sample_id,
        difficulty,
        unnest(json_keys(case when json_valid(difficulty) then difficulty end)) as property
    from asked

),

told as (

    select
        model,
        benchmark,
        sample_id,
        property,
        try_cast(json_extract_string(difficulty, '$."' || property || '"') as double) as amount
    from keyed
    where regexp_full_match(property, '\w+')
    qualify
        min(amount) over (partition by model, benchmark, property)
        < max(amount) over (partition by model, benchmark, property)

),

known as (

    select
        model,
        benchmark,
        sample_id,
        unnest(['answer_tokens', 'visual_tokens', 'text_tokens', 'visual_runs', 'n_options']) as property,
        unnest([
            ln(nullif(new_tokens, 0)),
            ln(nullif(visual_tokens, 0)),
            ln(nullif(text_tokens, 0)),
            ln(nullif(visual_runs, 0)),
            n_options
        ]) as amount
    from asked
    union all
    select
        model,
        benchmark,
        sample_id,
        property,
        amount
    from told
    union all
    select
        asked.model,
        asked.benchmark,
        asked.sample_id,
        'kind: ' || kinds.kind as property,
        case when asked.kind = kinds.kind then 1.0 else 0.0 end as amount
    from asked
    inner join kinds
        on asked.model = kinds.model

),

whole as (

    -- whole numbers, whose sums are the same in any order
    select
        model,
        benchmark,
        sample_id,
        property,
        cast(round(amount * 1000000) as hugeint) as amount
    from known
    where amount is not null

),

moments as (

    select
        whole.model,
        whole.property,
        count(*) as n_known,
        sum(whole.amount) as total,
        sum(whole.amount * whole.amount) as squares
    from whole
    inner join sizes
        on whole.model = sizes.model
    group by all
    having count(*) * 20 >= any_value(sizes.n_samples) and min(whole.amount) < max(whole.amount)

)

select
    whole.model,
    whole.benchmark,
    whole.sample_id,
    whole.property,
    cast(
        round(
            1000000 * cast(whole.amount * moments.n_known - moments.total as double)
            / sqrt(cast(moments.squares * moments.n_known - moments.total * moments.total as double))
        ) as bigint
    ) as standing
from whole
inner join moments
    on
        whole.model = moments.model
        and whole.property = moments.property
union all
select
    model,
    benchmark,
    sample_id,
    '' as property,
    1000000 as standing
from asked
