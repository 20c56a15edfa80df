-- _sayings: whether two short texts say the same, to a person.
--
-- Reads:  _text, _readable.

create or replace macro yes_or_no_word(word) as
    case
        when word in ('yes', 'yeah', 'yep', 'yup', 'ja', 'oui', 'sí', 'sim', 'да', '是', 'はい', '네') then 'yes'
        when word in ('no', 'nope', 'nah', 'nein', 'non', 'não', 'нет', '否', '不是', 'いいえ', '아니요') then 'no'
    end;

-- "The answer is red", "It's a dog": how a short answer is led in
create or replace macro lead_in() as 'answer(?: is|:)|^[^\p{L}\p{N}]*(?:it|there|this|that|they|he|she)';

create or replace macro without_lead_in(said) as
    regexp_replace(said, '(?is)^.*\b' || lead_in() || '(?: is| are|[''’]s|[''’]re)\b', '');

create or replace macro has_lead_in(said) as
    regexp_matches(said, '(?i)\b' || lead_in() || '(?: |[''’])');

create or replace macro first_word(said) as
    lower(regexp_extract(said, '^[^\p{L}\p{N}]*([\p{L}\p{M}]+)(?:[^\p{L}\p{M}\p{N}]|$)', 1));

-- the spellings of what was said: as a whole, without what leads it in, and where it starts so, yes or no
create or replace macro spellings_of(said) as
    list_transform(
        [spoken(said)],
        lambda text: [
            normalised(text),
            case when has_lead_in(text) then normalised(without_lead_in(text)) end,
            yes_or_no_word(first_word(text))
        ]
    )[1];

create or replace macro says_one_of(said, answers) as
    list_has_any(spellings_of(said), list_transform(answers, lambda truth: normalised(truth)));
