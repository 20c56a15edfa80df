-- relaxed: 1 where a number is within 5 % of a right answer, or a text or year is the same; otherwise 0.
--
-- Source:  ChartQA, Masry et al. 2022, arXiv 2203.10244, section 5.1, after PlotQA (Methani et al. 2020).
--          Years exactly: ChartQAPro, Masry et al. 2025, arXiv 2504.05506.
-- Departs: a sign of currency or percent beside a number is ignored; a year is a whole number of four
--          digits from 1500 to 2099 without sign or comma, since no benchmark says which numbers are years.
-- Reads:   _text.
-- Undefined: never null; a blank answer is worth 0; a right answer of 0 wants 0.

create or replace macro bare_number(said) as
    regexp_replace(
        regexp_replace(
            regexp_replace(replace(lowered(said), '−', '-'), '[$€£¥% ]', '', 'g'),
            '([0-9]),([0-9][0-9][0-9])',
            '\1\2',
            'g'
        ),
        '([0-9]),([0-9][0-9][0-9])',
        '\1\2',
        'g'
    );

-- null where the whole text is not one number
create or replace macro number_of(said) as
    case
        when regexp_full_match(bare_number(said), '[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)')
            then try_cast(bare_number(said) as double)
    end;

create or replace macro is_year(said) as
    regexp_full_match(lowered(said), '(1[5-9]|20)[0-9][0-9]');

-- a billionth more than 5 %, so that 1.47 is within 5 % of 1.4 in binary too
create or replace macro is_near(said, truth) as
    coalesce(
        not is_year(truth) and abs(number_of(said) - number_of(truth)) <= 0.050000001 * abs(number_of(truth)),
        false
    );

create or replace macro grade_relaxed(answer, answers) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(
                answers,
                lambda truth: cast(is_near(answer, truth) or normalised(answer) = normalised(truth) as double)
            )
        )
    end;
