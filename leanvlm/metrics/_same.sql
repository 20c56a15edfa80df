-- _same: to which samples of a cell the recipe answers as the full model does.
--
-- Grain:     one row per model, recipe, benchmark, block.
-- Unit:      a bit per position of the block, by three rules: as they are (raw), in one spelling (normalised)
--            and the extracted answer (extracted). is_answered is 1 where both have answered.
-- Source:    ours; EffiVLM-Bench, arXiv 2506.00479, does not say when two answers are the same.
-- Reads:     answers, steps.spellings, steps.samples.
-- Undefined: no row without controls/full; 0 where one of both has no answer.

with

full_answers as (

    select
        answers.model,
        answers.benchmark,
        answers.sample_id,
        samples.block,
        samples.position,
        answers.answer,
        spellings.normalised_answer,
        spellings.extracted_answer
    from answers
    inner join steps.samples as samples
        on
            answers.benchmark = samples.benchmark
            and answers.sample_id = samples.sample_id
    inner join steps.spellings as spellings
        on answers.answer = spellings.answer
    where answers.recipe = 'controls/full'

),

bits as (

    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        full_answers.block,
        bitstring_agg(full_answers.position, cast(0 as bigint), cast(1023 as bigint)) as is_answered,
        bitstring_agg(full_answers.position, cast(0 as bigint), cast(1023 as bigint)) filter (
            where answers.answer = full_answers.answer
        ) as raw,
        bitstring_agg(full_answers.position, cast(0 as bigint), cast(1023 as bigint)) filter (
            where spellings.normalised_answer = full_answers.normalised_answer
        ) as normalised,
        bitstring_agg(full_answers.position, cast(0 as bigint), cast(1023 as bigint)) filter (
            where spellings.extracted_answer = full_answers.extracted_answer
        ) as extracted
    from answers
    inner join full_answers
        on
            answers.model = full_answers.model
            and answers.benchmark = full_answers.benchmark
            and answers.sample_id = full_answers.sample_id
    inner join steps.spellings as spellings
        on answers.answer = spellings.answer
    group by all

)

select
    model,
    recipe,
    benchmark,
    block,
    is_answered,
    coalesce(raw, bitstring('0', 1024)) as raw,
    coalesce(normalised, bitstring('0', 1024)) as normalised,
    coalesce(extracted, bitstring('0', 1024)) as extracted
from bits
