-- ocrbench: 1 where the answer contains a right answer, whatever its case; otherwise 0.
--
-- Source:     OCRBench, Liu et al. 2023, arXiv 2305.07895, section 3: a right text inside the answer counts.
-- Code:       github.com/Yuliang-Liu/MultimodalOCR, example.py (read, not copied).
-- Departs:    runs of spaces count as one; a blank right answer is contained in nothing.
-- Reads:      _text.
-- Undefined:  never null.
-- Ungradable: a blank answer.

create or replace macro is_gradable_ocrbench(answer, answers, options) as not is_blank(answer);

create or replace macro grade_ocrbench(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else cast(
            len(
                list_filter(
                    answers,
                    lambda truth: not is_blank(truth) and contains(lowered(answer), lowered(truth))
                )
            ) > 0 as double
        )
    end;
