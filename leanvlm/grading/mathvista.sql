-- mathvista: 1 where the answer chooses the right option, or says the right number or list; otherwise 0.
--
-- Source:     MathVista, Lu et al. 2023, arXiv 2310.02255, section 3.3: an answer is reduced to an option, a
--             whole number, a number of so many decimals or a list, and must then equal the right one.
-- Code:       MathVista's evaluation/calculate_score.py (read, not copied).
-- Departs:    no judge reduces the answer: options are chosen as in choice, numbers are said as in _numbers,
--             with units and words around them. A number is as near as the right one is written, as in
--             mmmu_open; a whole one is not cut. The nearest option's text is not taken.
-- Reads:      _text, _sayings, _numbers, choice, mmmu_open.
-- Expects:    the right option's text or letter where there are options; else a number, or a list in
--             brackets.
-- Undefined:  never null.
-- Ungradable: no option, no number or no list of numbers where one is asked for; a blank answer.

create or replace macro is_list(truth) as regexp_full_match(truth, '\s*\[.*\]\s*');

-- one after the other, as many as there should be
create or replace macro are_same_numbers(numbers, truths) as
    len(numbers) = len(truths)
    and len(
        list_filter(
            range(1, len(truths) + 1),
            lambda place: not is_same_number(numbers[place], truths[place])
        )
    ) = 0;

-- the last text in brackets, else all
create or replace macro listed_part(said) as
    coalesce(nullif(regexp_extract(said, '(?s)^.*(\[[^\]]*\])', 1), ''), said);

create or replace macro numbers_listed(said) as numbers_in(with_plain_digits(listed_part(said)));

create or replace macro is_free_match(said, truth) as
    case
        when is_list(truth) then are_same_numbers(numbers_listed(said.text), numbers_listed(truth))
        when is_number(truth) then is_same_number(said.number, with_plain_digits(truth))
        else list_contains(said.spellings, normalised(truth))
    end;

create or replace macro is_gradable_mathvista(answer, answers, options) as
    case
        when len(options) > 0 then is_gradable_choice(answer, answers, options)
        else says_a_number_if_asked(answer, answers)
    end;

create or replace macro grade_mathvista(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        when len(options) > 0 then grade_choice(answer, answers, options)
        else list_transform(
            [{ 'text': spoken(answer), 'number': number_said(answer), 'spellings': spellings_of(answer) }],
            lambda said: list_max(
                list_transform(answers, lambda truth: cast(is_free_match(said, truth) as double))
            )
        )[1]
    end;
