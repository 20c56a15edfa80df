-- _letters: which option's letter an answer chooses.
--
-- The order of `chosen` decides: a letter in front that the rest explains, one that is said to be the answer,
-- the last one that is named before reasons are given, the last one that is named at all.
--
-- Reads:  _patterns, _readable, _languages.

-- B, (b), B., **B**, “B”: nothing but one letter
create or replace macro letter_alone(said) as
    case
        when strlen(said) = length(said)
            then upper(regexp_extract(said, '^[^[:alnum:]]*([A-Ja-j])[^[:alnum:]]*$', 1))
        else
            list_transform(
                [said],
                lambda text: upper(
                    regexp_extract(text, '^[^\p{L}\p{M}\p{N}]*([A-Ja-j])[^\p{L}\p{M}\p{N}]*$', 1)
                )
            )[1]
    end;

-- B, C; A B C D: nothing but letters
create or replace macro is_list_of_letters(said) as
    regexp_full_match(
        said, '[^[:alnum:][:^ascii:]]*[A-J](?:[^[:alnum:][:^ascii:]\n]+[A-J])+[^[:alnum:][:^ascii:]]*'
    );

create or replace macro letter_boxed(said) as
    case when contains(said, '\boxed') then last_of(said, '\\boxed' || opening() || letter()) end;

-- the first lines are a letter or "Option B"; others explain it
create or replace macro letter_on_first_line(said) as
    first_of(
        said,
        '^[^[:alnum:][:^ascii:]]*(?:(?i:option|choice|answer)[^[:alnum:][:^ascii:]]*)?'
        || '([A-Ja-j])[^[:alnum:][:^ascii:]\n]*\n'
    );

-- A. a dog B. a cat: the options over again
create or replace macro repeats_options(said) as
    regexp_matches(said, '^[\s*"]*(?s:A[.):].*\bB[.):]|a[.):].*\bb[.):])');

-- B. a dog; B) a dog; B: a dog; b. a dog; [B] a dog
create or replace macro letter_marked_in_front(said) as
    first_of(
        said,
        '^[\s*"`\[]*([A-J]\**(?:[.):\]]|\s*-\s)|[a-j][.):\]](?:\s|$))'
    );

-- Answer: B; the answer to this is most likely option (B); the correct option is B
create or replace macro letter_announced(said) as
    last_of(
        said,
        '(?:^|[^/[:alnum:][:^ascii:]])'
        || '(?:(?i:ans|answer)(?:,? [a-z]+){0,6}|(?i:option|choice|letter|solution|conclusion))'
        || '(?:,? (?i:is|be)\b|[*"'' ]*[:=>\n-])'
        || '(?i:[\s:]+(?:the|that|in|most|option|choice|letter|[a-z]+ly)\b)*'
        || opening() || letter()
    );

-- B is correct; (B) is the best answer
create or replace macro letter_confirmed(said) as
    last_of(
        said,
        '\b([A-J])[)\].*"]* (?i:is|seems|must be)(?i: the| clearly| most| indeed| also)*'
        || ' (?i:correct|right|best|answer|likely|true)\b'
    );

-- I choose B; I would go with option (B)
create or replace macro letter_preferred(said) as
    last_of(
        said,
        '\b(?i:choose|chose|pick|picked|select|selected|go with|going with|opt for|vote for)'
        || '(?i:,| option| choice| letter| answer| the)*' || opening() || letter()
    );

-- the last line is a letter or "Option B"
create or replace macro letter_on_last_line(said) as
    first_of(
        said,
        '\n[^[:alnum:][:^ascii:]]*(?:(?i:option|choice|answer)[^[:alnum:][:^ascii:]]*)?'
        || '([A-Ja-j])[^[:alnum:][:^ascii:]]*$'
    );

create or replace macro letter_of_last_sentence(said) as
    first_of(said, '[.!?:]\s[^[:alnum:][:^ascii:]]*([A-J])[^[:alnum:][:^ascii:]]*$');

-- reasons, and then a line such as "B. a red car"
create or replace macro letter_marked_on_last_line(said) as
    first_of(said, '\n[\s*"(\[]*([A-J])[\])*]*[.):\]][^\n]*\n*$');

-- Option B. Option A is a dog; Option (B), since option A is a dog
create or replace macro letter_of_option_in_front(said) as
    first_of(said, '^[\s*"]*(?i:the )?(?i:answer|option|choice)[\s*("]+([A-J])[)*"]*(?:[.,:;\n]|$)');

-- it is B; so (B), at the end of a sentence or of its part
create or replace macro letter_concluded(said) as
    last_of(
        said,
        '\b(?i:it is|it''s|it must be|that is|that''s|so|therefore|thus|hence|but|leaves|leaving|say)'
        || '(?i:,| option| choice| the)*' || opening() || '([A-J])[)\]*"]*(?:[.!?,;\n]|$)'
    );

-- (B) a dog, (b) a dog: the only letter in brackets of the first sentence
create or replace macro letter_of_first_sentence(said) as
    first_of(
        said,
        '^[\s*"]*\(([A-Ja-j])\)(?:[^(\n.]|\([^A-Ja-j]|\([A-Ja-j][^)])*(?:[.\n]|$)'
    );

-- B a dog
create or replace macro letter_in_front(said) as
    first_of(said, '^[\s*"]*([A-J])(?:[^[:alnum:][:^ascii:]''-]|$)');

-- option B; choice B; answer (B)
create or replace macro letter_named(said) as
    last_of(said, '\b(?i:answer|option|choice)' || opening() || letter());

create or replace macro letter_in_brackets(said) as
    last_of(said, '(?:^|[^[:alnum:][:^ascii:]])\(([A-Ja-j])\)');

-- reasons come after: what is said before them weighs more
create or replace macro chosen_before_reasons(said) as
    coalesce(letter_named(said), letter_in_brackets(said));

-- claimed: what is said before reasons are given
create or replace macro chosen(said, claimed) as
    coalesce(
        letter_boxed(said),
        letter_on_first_line(said),
        case when not repeats_options(said) then letter_marked_in_front(said) end,
        letter_announced(said),
        letter_in_other_languages(said),
        letter_confirmed(claimed),
        letter_preferred(said),
        letter_on_last_line(said),
        letter_of_last_sentence(said),
        letter_of_option_in_front(claimed),
        letter_concluded(said),
        letter_of_first_sentence(claimed),
        letter_in_front(said),
        letter_confirmed(said),
        letter_marked_on_last_line(said),
        chosen_before_reasons(claimed),
        chosen_before_reasons(said)
    );

create or replace macro letter_read(readable) as
    case
        when not is_list_of_letters(readable)
            then
                list_transform(
                    [without_reasons(readable)], lambda claimed: left(chosen(readable, claimed), 1)
                )[1]
    end;

-- of what was spoken; null where no letter of the options is chosen
create or replace macro letter_of(spoken, options) as
    list_transform(
        [with_ascii_signs(spoken)],
        lambda said: among(
            coalesce(
                nullif(letter_alone(said), ''),
                list_transform([readable(said, options)], lambda text: letter_read(text))[1]
            ),
            options
        )
    )[1];
