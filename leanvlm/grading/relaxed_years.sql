-- relaxed_years: as relaxed, but a year must be the same; otherwise 0.
--
-- Source:     ChartQAPro, Masry et al. 2025, arXiv 2504.05506: relaxed accuracy with exact years.
-- Departs:    a year is a whole number of four digits from 1500 to 2099, since no benchmark of ours says
--             which numbers are years.
-- Reads:      _text, _sayings, _numbers, relaxed.
-- Undefined:  never null; a right answer of 0 wants 0.
-- Ungradable: as relaxed.

create or replace macro is_year(said) as
    regexp_full_match(lowered(said), '(1[5-9]|20)[0-9][0-9]');

create or replace macro is_match_with_years(number, spellings, truth) as
    case
        when is_year(truth) then coalesce(amount(number) = amount(truth), false)
        else is_relaxed_match(number, spellings, truth)
    end;

create or replace macro is_gradable_relaxed_years(answer, answers, options) as
    says_a_number_if_asked(answer, answers);

create or replace macro grade_relaxed_years(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        else list_transform(
            [{ 'number': number_said(answer), 'spellings': spellings_of(answer) }],
            lambda said: list_max(
                list_transform(
                    answers,
                    lambda truth: cast(is_match_with_years(said.number, said.spellings, truth) as double)
                )
            )
        )[1]
    end;
