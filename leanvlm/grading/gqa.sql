-- gqa: 1 where the answer is the right one letter by letter, whatever its case and signs; otherwise 0.
--
-- Source:     GQA, Hudson and Manning 2019, arXiv 1902.09506, section 4.4: accuracy of a single answer.
-- Code:       lmms-eval, tasks/gqa (read, not copied): exact match that ignores case and punctuation.
-- Departs:    runs of spaces count as one. Articles and number words stay: "two" is not "2".
-- Reads:      _text.
-- Undefined:  never null.
-- Ungradable: an answer without a letter or digit.

create or replace macro gqa_spelling(said) as lowered(without_ascii_signs(said));

create or replace macro is_gradable_gqa(answer, answers, options) as
    coalesce(regexp_matches(answer, '[\p{L}\p{N}]'), false);

create or replace macro grade_gqa(answer, answers, options) as
    case
        when not is_gradable_gqa(answer, answers, options) then cast(0 as double)
        else cast(
            list_contains(
                list_transform(answers, lambda truth: gqa_spelling(truth)), gqa_spelling(answer)
            ) as double
        )
    end;
