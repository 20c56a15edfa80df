-- relaxed: 1 where a number is within 5 % of a right number, or a text says the same; otherwise 0.
--
-- Source:     ChartQA, Masry et al. 2022, arXiv 2203.10244, section 5.1, after PlotQA (Methani et al. 2020).
-- Code:       lmms-eval, tasks/chartqa, after Qwen-VL's evaluate_vqa.py (read, not copied).
-- Departs:    exactly 5 % is right in binary too. Commas, currencies, units and words around a number do not
--             count; a percent sign divides by 100 or says what the numbers are: "12%" is 0.12 and 12. Texts
--             say the same as in exact. Years are numbers: the rule relaxed_years wants them exactly.
-- Reads:      _text, _sayings, _numbers.
-- Undefined:  never null; a right answer of 0 wants 0.
-- Ungradable: a blank answer; no number where every right answer is one.

-- a billionth more than 5 %, so that 1.47 is within 5 % of 1.4 in binary too
create or replace macro is_near(said, truth) as abs(said - truth) <= 0.050000001 * abs(truth);

create or replace macro is_near_number(number, truth) as
    coalesce(is_near(amount(number), amount(truth)), false)
    or coalesce(is_near(scaled_amount(number), scaled_amount(truth)), false);

create or replace macro is_relaxed_match(number, spellings, truth) as
    case
        when is_number(truth) then is_near_number(number, with_plain_digits(truth))
        else list_contains(spellings, normalised(truth))
    end;

create or replace macro is_gradable_relaxed(answer, answers, options) as
    says_a_number_if_asked(answer, answers);

create or replace macro grade_relaxed(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        else list_transform(
            [{ 'number': number_said(answer), 'spellings': spellings_of(answer) }],
            lambda said: list_max(
                list_transform(
                    answers,
                    lambda truth: cast(is_relaxed_match(said.number, said.spellings, truth) as double)
                )
            )
        )[1]
    end;
