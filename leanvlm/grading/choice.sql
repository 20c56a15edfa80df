-- choice: 1 where the answer chooses the right letter, or is the right option's text; otherwise 0.
--
-- Source:     multiple choice as MMMU reads it, Yue et al. 2023, arXiv 2311.16502, section 4: the letter is
--             found in the answer; the last one where several are named; the option's text counts too.
-- Code:       MMMU's eval_utils.py (read, not copied).
-- Departs:    a letter that is said to be the answer comes before letters that are only named: "B. Option A
--             is a dog" chooses B. A letter that cannot be told from the article "A" or the pronoun "I" is
--             none: "A dog" does not choose option A. Where no letter is found none is drawn by lot: the
--             answer is ungradable.
-- Reads:      _text, _letters.
-- Expects:    answers are the right letter, A to J, alone or before its option's text ("B. a dog"), and
--             optionally the right option's text.
-- Undefined:  never null.
-- Ungradable: neither a letter nor the right option's text; another option's text too, since only the
--             right one is known.

-- B. a dog, (B) a dog, B) a dog: what stands before the text, and the text
create or replace macro before_text() as '^\s*(?:[(\[][A-J][)\]]|[A-J][.):])\s+';

create or replace macro without_letter(truth) as regexp_replace(truth, before_text(), '');

-- beside a letter alone, "E. coli" is an option's text
create or replace macro right_letters(answers) as
    case
        when list_contains(list_transform(answers, lambda truth: letter_alone(truth) != ''), true)
            then list_transform(answers, lambda truth: letter_alone(truth))
        else list_transform(answers, lambda truth: letter_alone(regexp_extract(truth, before_text())))
    end;

create or replace macro is_option_text(answer, answers) as
    list_contains(
        list_transform(
            list_concat(answers, list_transform(answers, lambda truth: without_letter(truth))),
            lambda truth: normalised(truth)
        ),
        normalised(answer)
    );

-- sign by sign the right answer, or its text: "E. coli" is then no letter
create or replace macro is_target(answer, answers) as
    list_contains(answers, answer)
    or (
        letter_alone(answer) = ''
        and list_contains(list_transform(answers, lambda truth: without_letter(truth)), answer)
    );

create or replace macro is_gradable_choice(answer, answers, options) as
    case
        when is_blank(answer) then false
        when is_target(answer, answers) or letter_of(answer) is not null then true
        else is_option_text(answer, answers)
    end;

create or replace macro is_right_choice(letter, answer, answers) as
    case
        when letter is null then is_option_text(answer, answers)
        else list_contains(right_letters(answers), letter)
    end;

create or replace macro grade_choice(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        when is_target(answer, answers) then cast(1 as double)
        else cast(
            list_transform([letter_of(answer)], lambda letter: is_right_choice(letter, answer, answers))[1]
            as double
        )
    end;
