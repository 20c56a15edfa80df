-- relaxed: 1 where a number is within 5 % of a right number, or a text is the same; otherwise 0.
--
-- Source:     ChartQA, Masry et al. 2022, arXiv 2203.10244, section 5.1, after PlotQA (Methani et al. 2020).
-- Code:       lmms-eval, tasks/chartqa, after Qwen-VL's evaluate_vqa.py (read, not copied): "12%" is 0.12; a
--             number with a comma, a currency or a unit is a text; case aside, texts must be the same.
-- Departs:    exactly 5 % is right in binary too; "nan", "inf", "1_000" and "1e100" are texts; runs of spaces
--             count as one. Years are numbers like others: the rule relaxed_years wants them exactly.
-- Reads:      _text.
-- Undefined:  never null; a right answer of 0 wants the same text.
-- Ungradable: a blank answer; no digit where every right answer is a number.

-- null where the whole text is not one number
create or replace macro number_of(said) as
    case
        when not regexp_full_match(lowered(said), '[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]{1,2})?%*')
            then null
        when contains(said, '%') then try_cast(rtrim(lowered(said), '%') as double) / 100
        else try_cast(lowered(said) as double)
    end;

-- a billionth more than 5 %, so that 1.47 is within 5 % of 1.4 in binary too
create or replace macro is_near(said, truth) as
    abs(number_of(said) - number_of(truth)) <= 0.050000001 * abs(number_of(truth));

create or replace macro is_relaxed_match(said, truth) as
    case
        when number_of(said) is null or coalesce(number_of(truth), 0) = 0 then lowered(said) = lowered(truth)
        else is_near(said, truth)
    end;

create or replace macro is_gradable_relaxed(answer, answers, options) as
    not is_blank(answer)
    and (
        regexp_matches(answer, '[0-9]')
        or len(list_filter(answers, lambda truth: number_of(truth) is null)) > 0
    );

create or replace macro grade_relaxed(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(answers, lambda truth: cast(is_relaxed_match(answer, truth) as double))
        )
    end;
