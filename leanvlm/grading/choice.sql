-- choice: 1 where the answer chooses the right option, by its letter or its text; otherwise 0.
--
-- Source:     multiple choice as MMMU reads it, Yue et al. 2023, arXiv 2311.16502, section 4: the letter is
--             found in the answer, and the option's text counts too.
-- Code:       MMMU's eval_utils.py (read, not copied).
-- Departs:    a letter that is said to be the answer comes before letters that are only named: "B. Option A
--             is a dog" chooses B. A letter that cannot be told from the article "A" or the pronoun "I" is
--             none: "A dog" does not choose option A. "A or B" chooses nothing. Where nothing is chosen
--             nothing is drawn by lot: the answer is ungradable.
-- Reads:      _text, _readable, _letters, _options.
-- Expects:    answers are the right letter, A to J, alone or before its option's text ("B. a dog"), and
--             optionally the right option's text; the text alone is enough where options are known.
--             Options are texts in the order of their letters.
-- Undefined:  never null.
-- Ungradable: neither a letter of the options nor the text of just one; where options are unknown, neither
--             a letter nor the right option's text: another option's text too, since only the right one is
--             known.

create or replace macro without_letter(truth) as regexp_replace(truth, before_text(), '');

create or replace macro letters_alone(answers) as
    list_filter(list_transform(answers, lambda truth: letter_alone(truth)), lambda letter: letter != '');

create or replace macro letters_of_texts(answers, options) as
    list_filter(
        list_transform(answers, lambda truth: letter_of_text(truth, options)),
        lambda letter: letter is not null
    );

-- beside a letter alone, or as an option, "E. coli" is a text
create or replace macro right_letters(answers, options) as
    coalesce(
        nullif(letters_alone(answers), []),
        case when len(options) > 0 then nullif(letters_of_texts(answers, options), []) end,
        list_transform(answers, lambda truth: letter_alone(regexp_extract(truth, before_text())))
    );

-- else no answer could be right
create or replace macro names_an_option(answers, options) as
    len(
        list_filter(
            right_letters(answers, options),
            lambda letter: letter != ''
            and (len(options) = 0 or strpos('ABCDEFGHIJ', letter) <= len(options))
        )
    ) > 0;

-- the right option's text; a right letter is none
create or replace macro is_option_text(answer, answers) as
    list_contains(
        list_transform(
            list_filter(
                list_concat(answers, list_transform(answers, lambda truth: without_letter(truth))),
                lambda truth: letter_alone(truth) = ''
            ),
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

create or replace macro may_be_text(said, options) as len(options) > 0 and letter_alone(said) = '';

create or replace macro letter_or_text(said, options, spellings) as
    coalesce(
        letter_of_spelt_text(said, options, spellings),
        letter_of(said, options),
        letter_of_text_within(said, spellings)
    );

-- options are spelt once, in a list of one, for all that looks for them
create or replace macro chosen_letter(answer, options) as
    list_transform(
        [spoken(answer)],
        lambda said: case
            when may_be_text(said, options)
                then
                    list_transform(
                        [all_spelt(options)], lambda spellings: letter_or_text(said, options, spellings)
                    )[1]
            else letter_of(said, options)
        end
    )[1];

-- null where nothing is chosen
create or replace macro worth_of_choice(letter, answer, answers, options) as
    case
        when letter is not null then cast(list_contains(right_letters(answers, options), letter) as double)
        when is_option_text(answer, answers) then cast(1 as double)
    end;

create or replace macro worth_choice(answer, answers, options) as
    case
        when is_blank(answer) then null
        when len(options) = 0 and is_target(answer, answers) then cast(1 as double)
        else list_transform(
            [chosen_letter(answer, options)],
            lambda letter: worth_of_choice(letter, answer, answers, options)
        )[1]
    end;

create or replace macro is_gradable_choice(answer, answers, options) as
    worth_choice(answer, answers, options) is not null;

create or replace macro grade_choice(answer, answers, options) as
    coalesce(worth_choice(answer, answers, options), cast(0 as double));
