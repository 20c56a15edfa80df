-- _numbers: which number an answer says.
--
-- Reads:  _text, _readable.

-- fractions that are one sign as decimals; other signs than ASCII's go
create or replace macro with_plain_digits(said) as
    case
        when strlen(said) = length(said) then said
        else with_ascii_signs(replace(replace(replace(said, '½', '.5'), '¼', '.25'), '¾', '.75'))
    end;

-- 1,400; -3.5; .5; $45; 1e3; 3/4; 12%
create or replace macro number_pattern() as
    '[-+]?[$]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][-+]?[0-9]{1,2}\b)?'
    || '(?: ?/ ?[0-9]+)?(?: ?%+)?';

-- no numbers: the digits of a name or a unit (H2O, m^2, covid-19), 12:30, 1.5.2, 1_000, 10-15, 24 or 25,
-- 640x480, and what a model stammers (4red4444)
create or replace macro not_a_number_pattern() as
    '(?:[a-zA-Z_^]|[^\x00-\x7f])(?:[\w^-]|[^\x00-\x7f])*|[0-9]+(?:[:_][0-9]+)+|[0-9]+(?:[.][0-9]+){2,}'
    || '|[0-9][0-9,.]*(?:[a-df-zA-DF-Z_][a-zA-Z_]*|[eE][a-zA-Z_]+)[0-9]{2}\w*'
    || '|[0-9][0-9,.]*(?: ?- ?| or | to )[-$]*[0-9][0-9,.]*%?';

create or replace macro numbers_in(said) as
    list_filter(
        regexp_extract_all(
            said, '(?:' || not_a_number_pattern() || ')|' || number_pattern()
        ),
        lambda found: regexp_full_match(found, number_pattern())
    );

create or replace macro is_number(truth) as
    regexp_full_match(trim(with_plain_digits(truth)), number_pattern());

-- "$1,400.", "12%" and "3/4" as 1400, 12 and 0.75; null where it divides by 0
create or replace macro amount(number) as
    list_transform(
        [string_split(regexp_replace(number, '[^0-9.eE/+-]', '', 'g'), '/')],
        lambda parts: try_cast(parts[1] as double)
        / case when len(parts) = 1 then 1 else nullif(try_cast(parts[2] as double), 0) end
    )[1];

-- 0.12 for "12%", and the amount elsewhere
create or replace macro scaled_amount(number) as
    case when contains(number, '%') then amount(number) / 100 else amount(number) end;

-- what stands in a box, behind "answer is" or behind the last sign of equality
create or replace macro concluded_part(said) as
    coalesce(
        case
            when contains(said, '\boxed')
                then nullif(regexp_extract(said, '(?s)^.*\\boxed\{([^\n]*)', 1), '')
        end,
        nullif(regexp_extract(said, '(?is)^.*\banswer(?: is|:)(.*)$', 1), ''),
        case when contains(said, '=') then regexp_extract(said, '(?s)^.*=(.*)$', 1) end
    );

-- the only number word: "three dogs"
create or replace macro number_word(said) as
    list_transform(
        [
            list_filter(
                list_transform(raw_words_of(said), lambda word: nullif(digits_of(word), word)),
                lambda digits: digits is not null
            )
        ],
        lambda found: case when len(found) = 1 then found[1] end
    )[1];

-- the only digits, between spaces or signs that are part of no number: what most answers hold
create or replace macro lone_number(said) as
    regexp_extract(
        said, '^(?:[^0-9]*[\s(:=])?([-+]?[$]?[0-9]+(?:[.][0-9]+)?)(?:[.,]?[\s!?;)][^0-9%/-]*|[.])?$', 1
    );

-- the first number of what is concluded, else the last one, else a number word; null where none is said
create or replace macro number_said(said) as
    list_transform(
        [with_plain_digits(spoken(said))],
        lambda text: case
            when not regexp_matches(text, '[0-9]') then number_word(text)
            when lone_number(text) != '' then lone_number(text)
            else coalesce(numbers_in(concluded_part(text))[1], numbers_in(text)[-1])
        end
    )[1];

-- half of the last decimal that is written; of the second one where none is
create or replace macro precision_of(truth) as
    0.500001 * pow(10, -coalesce(nullif(length(regexp_extract(truth, '[.]([0-9]*)', 1)), 0), 2));

create or replace macro is_same_number(number, truth) as
    coalesce(abs(amount(number) - amount(truth)) <= precision_of(truth), false);

-- where every right answer is a number, one must be said
create or replace macro says_a_number_if_asked(answer, answers) as
    not is_blank(spoken(answer))
    and (
        len(list_filter(answers, lambda truth: not is_number(truth))) > 0
        or number_said(answer) is not null
    );
