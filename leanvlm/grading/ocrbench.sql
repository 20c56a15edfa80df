-- ocrbench: 1 where a right answer's words stand in the answer, in order; otherwise 0.
--
-- Source:     OCRBench, Liu et al. 2023, arXiv 2305.07895, section 3: a right text inside the answer counts.
-- Code:       github.com/Yuliang-Liu/MultimodalOCR, example.py (read, not copied).
-- Departs:    whole words: "2012" does not say 12, nor "epicentre" centre. Signs beside words do not count:
--             "Sdn. Bhd." is "SDN BHD". A text of letters without spaces between words, as Chinese, or of
--             signs alone, is looked for letter by letter; a blank right answer is contained in nothing.
-- Reads:      _text, _readable.
-- Undefined:  never null.
-- Ungradable: a blank answer.

create or replace macro joined_words(said) as ' '
|| coalesce(joined(raw_words_of(with_narrow_signs(said))), '')
|| ' ';

create or replace macro has_no_words(truth) as
    not regexp_matches(truth, '[\p{L}\p{N}]')
    or (
        strlen(truth) > length(truth)
        and regexp_matches(truth, '[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]')
    );

create or replace macro is_read(words, said, truth) as
    case
        when is_blank(truth) then false
        when has_no_words(truth) then contains(lowered(said), lowered(truth))
        else contains(words, joined_words(truth))
    end;

create or replace macro is_gradable_ocrbench(answer, answers, options) as not is_blank(answer);

create or replace macro grade_ocrbench(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_transform(
            [joined_words(answer)],
            lambda words: cast(
                len(list_filter(answers, lambda truth: is_read(words, answer, truth))) > 0 as double
            )
        )[1]
    end;
