-- choice: 1 where the answer chooses the right letter, or is the right option's text; otherwise 0.
--
-- Source:     multiple choice as MMMU reads it, Yue et al. 2023, arXiv 2311.16502, section 4: the letter is
--             found in the answer; the last one where several are named; the option's text counts too.
-- Code:       MMMU's eval_utils.py (read, not copied).
-- Departs:    a letter that cannot be told from the article "A" or the pronoun "I" is none: "A dog" does
--             not choose option A. Where no letter is found none is drawn by lot: the answer is ungradable.
-- Reads:      _text.
-- Expects:    answers are the right letter, A to J, and optionally the right option's text.
-- Undefined:  never null.
-- Ungradable: neither a letter nor the right option's text; another option's text too, since only the
--             right one is known.

-- "option A is" and "A because" name a letter: a period says so
create or replace macro with_closed_letters(said) as
    regexp_replace(
        regexp_replace(
            said, '((?:^|[^\p{L}\p{M}\p{N}])(?i:option|choice)) +A([^\p{L}\p{M}\p{N}]|$)', '\1 A.\2', 'g'
        ),
        '(^|[^\p{L}\p{M}\p{N}])A +((?:is|because|since)(?:[^\p{L}\p{M}\p{N}]|$))',
        '\1A. \2',
        'g'
    );

-- "A dog", "I think": the article and the pronoun go
create or replace macro without_lone_words(said) as
    regexp_replace(
        with_closed_letters(said), '(^|[^\p{L}\p{M}\p{N}])(?:[AI][ \t]+)+([\p{L}\p{N}])', '\1\2', 'g'
    );

-- B, (b), B., **B**: nothing but one letter
create or replace macro letter_alone(said) as
    upper(regexp_extract(said, '^[^\p{L}\p{M}\p{N}]*([A-Ja-j])[^\p{L}\p{M}\p{N}]*$', 1));

-- the last of: answer: B, answer is (B), option B, choice B
create or replace macro letter_announced(said) as
    regexp_extract(
        without_lone_words(said),
        '(?s)(?:.*[^\p{L}\p{M}\p{N}]|^)(?i:answer|option|choice)(?i: +is)?\s*:?'
        || '[\s(\[*"]*([A-J])(?:[^\p{L}\p{M}\p{N}''’-]|$)',
        1
    );

-- B. a dog; B) a dog; B: a dog; B a dog
create or replace macro letter_in_front(said) as
    regexp_extract(without_lone_words(said), '^[\s*"]*([A-J])(?:[^\p{L}\p{M}\p{N}''’-]|$)', 1);

-- the last (B)
create or replace macro letter_in_brackets(said) as regexp_extract(said, '(?s).*\(([A-J])\)', 1);

-- null where no letter is chosen
create or replace macro letter_of(said) as
    coalesce(
        nullif(letter_alone(said), ''),
        nullif(letter_announced(said), ''),
        nullif(letter_in_front(said), ''),
        nullif(letter_in_brackets(said), '')
    );

create or replace macro is_option_text(answer, answers) as
    list_contains(list_transform(answers, lambda truth: normalised(truth)), normalised(answer));

create or replace macro is_gradable_choice(answer, answers) as
    not is_blank(answer) and (letter_of(answer) is not null or is_option_text(answer, answers));

create or replace macro grade_choice(answer, answers) as
    case
        when is_blank(answer) then cast(0 as double)
        when letter_of(answer) is null then cast(is_option_text(answer, answers) as double)
        else cast(
            list_contains(list_transform(answers, lambda truth: letter_alone(truth)), letter_of(answer))
            as double
        )
    end;
