-- relaxed_years: as relaxed, but a year must be the same; otherwise 0.
--
-- Source:     ChartQAPro, Masry et al. 2025, arXiv 2504.05506: relaxed accuracy with exact years.
-- Departs:    a year is a whole number of four digits from 1500 to 2099, since no benchmark of ours says
--             which numbers are years.
-- Reads:      _text, relaxed.
-- Undefined:  never null; a right answer of 0 wants the same text.
-- Ungradable: as relaxed.

create or replace macro is_year(said) as
    regexp_full_match(lowered(said), '(1[5-9]|20)[0-9][0-9]');

create or replace macro is_gradable_relaxed_years(answer, answers, options) as
    is_gradable_relaxed(answer, answers, options);

create or replace macro grade_relaxed_years(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(
                answers,
                lambda truth: cast(
                    case
                        when is_year(truth) then lowered(answer) = lowered(truth)
                        else is_relaxed_match(answer, truth)
                    end as double
                )
            )
        )
    end;
