-- _spellings: each text that was answered, in one spelling.
--
-- Grain:     one row per answer.
-- Unit:      text; extracted_answer is what follows the last "the answer is", in one spelling.
-- Source:    ours; leanvlm/grading/_text.sql says what a spelling is. A text is spelt once, however often it
--            was answered.
-- Reads:     answers.
-- Undefined: never null.

with

said as (

    select distinct answer
    from answers

),

spellings as (

    select
        answer,
        normalised(answer) as normalised_answer,
        extracted(answer) as extracted_answer
    from said

)

select * from spellings
