-- mmmu_open: 1 where a short answer says a right number or a right text, otherwise 0.
--
-- Source:     open questions of MMMU, Yue et al. 2023, arXiv 2311.16502, section 4.
-- Code:       MMMU's eval_utils.py (read, not copied): numbers are rounded to two decimals, texts contained.
-- Departs:    one number is said, as in _numbers; it is as near as the right one is written, to half of its
--             last decimal, a whole one to half of a hundredth: "8.004" is 8. "1/8" is 0.125.
--             A right text stands in the answer in whole words, and not behind "not": "comparison" does not
--             say Paris.
-- Reads:      _text, _options, _sayings, _numbers.
-- Undefined:  never null.
-- Ungradable: a blank answer; no number where every right answer is one.

create or replace macro is_open_match(number, words, truth) as
    case
        when is_number(truth) then is_same_number(number, with_plain_digits(truth))
        else says_option(words, normalised(truth))
    end;

create or replace macro is_gradable_mmmu_open(answer, answers, options) as
    says_a_number_if_asked(answer, answers);

create or replace macro grade_mmmu_open(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        else list_transform(
            [{ 'number': number_said(answer), 'words': ' ' || normalised(spoken(answer)) || ' ' }],
            lambda said: list_max(
                list_transform(
                    answers, lambda truth: cast(is_open_match(said.number, said.words, truth) as double)
                )
            )
        )[1]
    end;
