-- _options: which option's text an answer says.
--
-- Reads:  _text, _readable.

-- B. a dog, (B) a dog, B) a dog: what stands before the text, and the text
create or replace macro before_text() as '^\s*(?:[(\[][A-J][)\]]|[A-J][.):])\s+';

-- the letter of the only option that is spelt so
create or replace macro letter_spelt(spelling, spellings) as
    list_transform(
        [{ 'one': spelling, 'all': spellings }],
        lambda spelt: case
            when times_said(spelt.all, spelt.one) = 1 then letter_at(list_position(spelt.all, spelt.one))
        end
    )[1];

create or replace macro all_spelt(texts) as list_transform(texts, lambda text: normalised(text));

-- the whole answer is an option's text: sign by sign, or in one spelling, in which "B. a dog" is "b dog"
create or replace macro letter_of_spelt_text(said, options, spellings) as
    coalesce(
        letter_spelt(lowered(said), list_transform(options, lambda option: lowered(option))),
        case when not regexp_matches(said, before_text()) then letter_spelt(normalised(said), spellings) end
    );

create or replace macro letter_of_text(said, options) as
    letter_of_spelt_text(said, options, all_spelt(options));

-- where a choice is announced: "the answer is", "most likely"
create or replace macro announced_part(said) as
    regexp_extract(
        said, '(?is)^.*\b(?:answer(?: is|:)|(?:more|most) likely)[\s:]([^\n]+)', 1
    );

-- "Yes, there is no dog": up to the first sign
create or replace macro first_part(said) as
    regexp_extract(said, '^([^,;:.!\n–—]+)[,;:.!\n–—]', 1);

-- " it is a dog not a cat " without "not a cat"
create or replace macro without_refuted_text(words, option) as
    replace(
        replace(replace(words, ' not ' || option || ' ', ' '), ' isnt ' || option || ' ', ' '),
        ' than ' || option || ' ',
        ' '
    );

-- most options are not there at all, which takes one look
create or replace macro says_option(words, option) as
    case
        when option != '' and contains(words, ' ' || option || ' ')
            then contains(without_refuted_text(words, option), ' ' || option || ' ')
        else false
    end;

-- "a can" does not count beside "a can of paint"
create or replace macro is_within_another(option, found) as
    len(
        list_filter(
            found,
            lambda other: other != option and contains(' ' || other || ' ', ' ' || option || ' ')
        )
    ) > 0;

create or replace macro longest_of(found) as
    list_filter(found, lambda option: not is_within_another(option, found));

-- the only option's text within
create or replace macro letter_within(words, spellings) as
    list_transform(
        [list_filter(spellings, lambda option: says_option(words, option))],
        lambda found: case
            when len(found) > 0
                then
                    list_transform(
                        [longest_of(found)],
                        lambda longest: case
                            when len(longest) = 1 then letter_spelt(longest[1], spellings)
                        end
                    )[1]
        end
    )[1];

-- the parts of an answer in which an option's text is looked for, the narrowest first; claimed: what is said
-- before reasons are given
create or replace macro parts_of(said, claimed) as
    list_filter(
        [
            announced_part(said),
            without_reasons(first_part(said)),
            claimed,
            case when said != claimed then said end
        ],
        lambda part: part != ''
    );

create or replace macro letter_of_text_within(said, spellings) as
    list_filter(
        list_transform(
            list_transform(
                list_transform([without_reasons(said)], lambda claimed: parts_of(said, claimed))[1],
                lambda part: ' ' || normalised(part) || ' '
            ),
            lambda words: letter_within(words, spellings)
        ),
        lambda letter: letter is not null
    )[1];
