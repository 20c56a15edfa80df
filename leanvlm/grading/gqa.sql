-- gqa: 1 where the answer says the same as the right one, otherwise 0.
--
-- Source:     GQA, Hudson and Manning 2019, arXiv 1902.09506, section 4.4: accuracy of a single answer.
-- Code:       lmms-eval, tasks/gqa (read, not copied): exact match that ignores case and punctuation.
-- Departs:    as exact: articles go, "two" is 2, "t shirt" is "t-shirt"; "3.5" is not 35, nor "-5" 5.
-- Reads:      _text, _sayings.
-- Undefined:  never null.
-- Ungradable: an answer without a letter or digit.

create or replace macro is_gradable_gqa(answer, answers, options) as
    coalesce(regexp_matches(spoken(answer), '[\p{L}\p{N}]'), false);

create or replace macro grade_gqa(answer, answers, options) as
    case
        when not is_gradable_gqa(answer, answers, options) then cast(0 as double)
        else cast(says_one_of(answer, answers) as double)
    end;
