-- _text: what the grading rules share: one spelling for answers that mean the same.
--
-- Source:  the answer processing of VQA v2, Antol et al. 2015, arXiv 1505.00468, section 3.3:
--          lower case, number words as digits, no articles, no punctuation.
-- Departs: the period inside a number, its sign and its fraction stay ("3.5" is not "35"); one between
--          letters joins them ("a.m." is "am"); commas go only before three digits; there is no table of
--          contractions, apostrophes just go.

-- composed lower case with one kind of minus and without apostrophes
create or replace macro folded(said) as
    replace(replace(replace(lower(nfc_normalize(said)), '''', ''), '’', ''), '−', '-');

-- a match takes the sign's neighbours with it: what stands between two signs is found the second time
create or replace macro replaced_twice(said, pattern, replacement) as
    regexp_replace(regexp_replace(said, pattern, replacement, 'g'), pattern, replacement, 'g');

-- "1,000,000" and "u.s.a" are one word each
create or replace macro without_inner_signs(said) as
    case
        when regexp_matches(said, '[0-9],[0-9][0-9][0-9]|\p{L}[.]\p{L}')
            then
                replaced_twice(
                    replaced_twice(said, '([0-9]),([0-9][0-9][0-9])', '\1\2'), '(\p{L})[.](\p{L})', '\1\2'
                )
        else said
    end;

-- the second way is the same and six times as fast: for numbers without sign, fraction or letters behind
create or replace macro split_into_words(said) as
    case
        when regexp_matches(said, '[.-][0-9]|[0-9](?:[a-z]|[^\x00-\x7f])')
            then regexp_extract_all(said, '-?[0-9]+([.][0-9]+)*|-?[.][0-9]+|[\p{L}\p{M}\p{N}]+')
        else
            list_filter(
                string_split(regexp_replace(said, '[^\p{L}\p{M}\p{N}]+', ' ', 'g'), ' '),
                lambda word: word != ''
            )
    end;

-- ASCII alone, whose signs are no part of a word or a number
create or replace macro is_plain(said) as
    not regexp_matches(said, '[^\x00-\x7f]|[0-9],[0-9]|[0-9][a-z]|[.-][0-9]|[a-z][.][a-z]');

create or replace macro split_at_signs(said) as
    list_filter(string_split(regexp_replace(said, '[^a-z0-9 ]+', ' ', 'g'), ' '), lambda word: word != '');

-- said as lower-case words and numbers, in order, with articles and number words as they are. A plain text is
-- split into the same without Unicode's tables. Each list that is worked on makes them anew, so lists of one
-- keep them apart: nothing is made in a branch that no text takes.
create or replace macro raw_words_of(said) as
    list_transform(
        [folded(said)],
        lambda text: case
            when is_plain(text) then split_at_signs(text)
            else
                list_transform(
                    [text],
                    lambda other: list_transform(
                        [without_inner_signs(other)], lambda whole: split_into_words(whole)
                    )[1]
                )[1]
        end
    )[1];

create or replace macro is_article(word) as word in ('a', 'an', 'the');

-- a number word as digits, any other word as it is
create or replace macro digits_of(word) as
    case word
        when 'none' then '0'
        when 'zero' then '0'
        when 'one' then '1'
        when 'two' then '2'
        when 'three' then '3'
        when 'four' then '4'
        when 'five' then '5'
        when 'six' then '6'
        when 'seven' then '7'
        when 'eight' then '8'
        when 'nine' then '9'
        when 'ten' then '10'
        else word
    end;

-- the same without articles, and with number words as digits
create or replace macro words_of(said) as
    list_transform(
        list_filter(raw_words_of(said), lambda word: not is_article(word)),
        lambda word: digits_of(word)
    );

-- null where there are none; each use of a macro's argument is worked out again, so it is used once
create or replace macro joined(words) as list_aggregate(words, 'string_agg', ' ');

-- lower case with single spaces; nothing else goes
create or replace macro lowered(said) as
    case
        when regexp_matches(said, '  |[^ -~]')
            then trim(regexp_replace(lower(nfc_normalize(said)), '[\s\p{Z}]+', ' ', 'g'))
        else trim(lower(said))
    end;

-- one spelling; where nothing but articles or signs was said, the answer in lower case
create or replace macro normalised(said) as coalesce(joined(words_of(said)), lowered(said));

create or replace macro is_blank(said) as
    regexp_full_match(coalesce(said, ''), '[\s\p{Z}\p{C}]*');

-- the signs of ASCII, which the rules of SQuAD and GQA strike out
create or replace macro ascii_signs() as '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~';

create or replace macro without_ascii_signs(said) as translate(said, ascii_signs(), '');

-- what follows the last "answer is" or "answer:", up to the line's end; all where neither was said
create or replace macro extracted(said) as
    normalised(
        coalesce(
            nullif(regexp_extract(said, '(?i).*\banswer(?: is|:)[ :]*([^\n]+)', 1), ''),
            said
        )
    );

create or replace macro times_said(words, word) as
    len(list_filter(words, lambda other: other = word));
