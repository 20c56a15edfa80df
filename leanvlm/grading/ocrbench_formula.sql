-- ocrbench_formula: 1 where the answer contains a right formula, spaces aside; otherwise 0.
--
-- Source:     OCRBench, Liu et al. 2023, arXiv 2305.07895, section 3, for handwritten formulas (HME100K).
-- Code:       github.com/Yuliang-Liu/MultimodalOCR, example.py (read, not copied).
-- Departs:    a blank right answer is contained in nothing. Case matters: x is not X. Every minus is one, and
--             \dfrac and \tfrac are \frac.
-- Reads:      _text.
-- Undefined:  never null.
-- Ungradable: a blank answer.

create or replace macro unspaced(said) as
    regexp_replace(
        replace(replace(replace(nfc_normalize(said), '−', '-'), '\dfrac', '\frac'), '\tfrac', '\frac'),
        '[\s\p{Z}]+',
        '',
        'g'
    );

create or replace macro is_gradable_ocrbench_formula(answer, answers, options) as not is_blank(answer);

create or replace macro grade_ocrbench_formula(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else cast(
            len(
                list_filter(
                    answers,
                    lambda truth: not is_blank(truth) and contains(unspaced(answer), unspaced(truth))
                )
            ) > 0 as double
        )
    end;
