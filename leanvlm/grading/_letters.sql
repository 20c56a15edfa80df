-- _letters: which option's letter an answer chooses.
--
-- The order of `chosen` decides: a letter that is said to be the answer, one in front, the last one that is
-- named before reasons are given, the last one that is named at all.
--
-- Reads:  _readable.

-- what may stand before a letter: (B), **B**, $\boxed{\text{B}}$
create or replace macro opening() as '(?:\\(?:text|math)[a-z]*|[\s(\[{*"“`$_<>\\])*';

-- a capital that is no part of a word; a small one closes its line too
create or replace macro letter() as
    '([A-J](?:[^\p{L}\p{M}\p{N}''’-]|$)|[a-j][.)\]}*"”`$_>]*[ \t]*(?:\n|$))';

-- null where the pattern is nowhere
create or replace macro first_of(said, pattern) as nullif(regexp_extract(said, pattern, 1), '');

create or replace macro last_of(said, pattern) as first_of(said, '(?s:.*)' || pattern);

-- B, (b), B., **B**: nothing but one letter
create or replace macro letter_alone(said) as
    upper(regexp_extract(said, '^[^\p{L}\p{M}\p{N}]*([A-Ja-j])[^\p{L}\p{M}\p{N}]*$', 1));

-- the first lines are a letter or "Option B"; others explain it
create or replace macro letter_on_first_line(said) as
    first_of(
        said,
        '^[^\p{L}\p{M}\p{N}]*(?:(?i:option|choice|answer)[^\p{L}\p{M}\p{N}]*)?'
        || '([A-Ja-j])[^\p{L}\p{M}\p{N}\n]*\n'
    );

-- the last line or sentence is a letter
create or replace macro letter_on_last_line(said) as
    first_of(said, '(?:\n|[.!?:]\s)[^\p{L}\p{M}\p{N}]*([A-J])[^\p{L}\p{M}\p{N}]*$');

create or replace macro letter_boxed(said) as last_of(said, '\\boxed' || opening() || letter());

-- Answer: B; the answer to this is most likely option (B); the correct option is B; 答案是B
create or replace macro letter_announced(said) as
    last_of(
        said,
        '(?:(?:^|[^/\p{L}\p{M}\p{N}])'
        || '(?:(?i:ans|answer)(?:,? [a-z]+){0,6}|(?i:option|choice|letter|solution|conclusion))'
        || '(?:,? (?i:is|be)\b|[*"'' ]*[:=>\n–—-])'
        || '(?i:[\s:]+(?:the|that|in|most|option|choice|letter|[a-z]+ly)\b)*|(?:答案|选)[是为选：:]*)'
        || opening() || letter()
    );

-- B is correct; (B) is the best answer
create or replace macro letter_confirmed(said) as
    last_of(
        said,
        '\b([A-J])[)\].*"]* (?i:is|seems|must be)(?i: the| clearly| most| indeed| also)*'
        || ' (?i:correct|right|best|answer|likely|true)\b'
    );

-- B. a dog; B) a dog; B: a dog; b. a dog
create or replace macro letter_marked_in_front(said) as
    first_of(said, '^[\s*"]*([A-J]\**(?:[.):]|\s*[–—-]\s)|[a-j][.):](?:\s|$))');

-- Option B. Option A is a dog; Option (B), since option A is a dog
create or replace macro letter_of_option_in_front(said) as
    first_of(said, '^[\s*"]*(?i:the )?(?i:answer|option|choice)[\s*("]+([A-J])[)*"]*(?:[.,:;\n]|$)');

-- it is B; so (B); I choose B, at the end of a sentence or of its part
create or replace macro letter_concluded(said) as
    last_of(
        said,
        '\b(?i:it is|it[''’]s|it must be|that is|that[''’]s|so|therefore|thus|hence|but|leaves|leaving'
        || '|say|choose|pick|select|go with)'
        || '(?i:,| option| choice| the)*' || opening() || '([A-J])[)\]*"]*(?:[.!?,;\n]|$)'
    );

-- (B) a dog: the only letter in brackets of the first sentence
create or replace macro letter_of_first_sentence(said) as
    first_of(said, '^[\s*"]*\(([A-J])\)(?:[^(\n.]|\([^A-J]|\([A-J][^)])*(?:[.\n]|$)');

-- B a dog
create or replace macro letter_in_front(said) as
    first_of(said, '^[\s*"]*([A-J])(?:[^\p{L}\p{M}\p{N}''’-]|$)');

-- option B; choice B; answer (B)
create or replace macro letter_named(said) as
    last_of(said, '\b(?i:answer|option|choice)' || opening() || letter());

create or replace macro letter_in_brackets(said) as last_of(said, '\(([A-J])\)');

create or replace macro chosen(readable) as
    coalesce(
        letter_boxed(readable),
        letter_on_first_line(readable),
        letter_announced(readable),
        letter_confirmed(readable),
        letter_on_last_line(readable),
        letter_marked_in_front(readable),
        letter_of_option_in_front(without_reasons(readable)),
        letter_concluded(readable),
        letter_of_first_sentence(without_reasons(readable)),
        letter_in_front(readable),
        letter_named(without_reasons(readable)),
        letter_in_brackets(without_reasons(readable)),
        letter_named(readable),
        letter_in_brackets(readable)
    );

-- null where no letter is chosen; a list of one holds the readable text, which is then made once
create or replace macro letter_of(said) as
    coalesce(
        nullif(letter_alone(said), ''),
        upper(left(list_transform([readable(said)], lambda text: chosen(text))[1], 1))
    );
