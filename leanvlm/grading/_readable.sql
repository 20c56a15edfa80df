-- _readable: an answer without what would be mistaken for the letter that it chooses.
--
-- Goes: what was thought aloud, letters that are refuted ("not A", "A is wrong"), the article "A" and the
--       pronoun "I".

-- what is no part of a word
create or replace macro sign() as '[^\p{L}\p{M}\p{N}''’]';

-- what was thought aloud goes; letters and signs as wide as Chinese ones become narrow
create or replace macro without_thoughts(said) as
    translate(
        case when contains(said, '</think>') then regexp_replace(said, '(?s)^.*</think>', '') else said end,
        'ＡＢＣＤＥＦＧＨＩＪ（）．：',
        'ABCDEFGHIJ().:'
    );

-- "not A or B", "A is wrong", "option (A) isn't": these letters go
create or replace macro without_refuted(said) as
    regexp_replace(
        said,
        '\b(?i:not|cannot|can[''’]t|never|nor|neither|than|unlike|instead of|exclude|eliminate|rule out)'
        || '(?i: be| choose)?(?i: option| choice)? \(?[A-J]\b\)?(?:(?: or| nor| and) \(?[A-J]\b\)?)*'
        || '|(?i:\b(?:option|choice|answer) )?\(?\b[A-J]\)? (?i:is|are|was|would be|seems)'
        || '(?i:n[''’]t\b| (?:[a-z]+ly )?(?:not|wrong|incorrect|false|untrue|impossible)\b)',
        ' ',
        'g'
    );

-- "option A is" and "A because" name a letter: signs say so
create or replace macro with_marked_letters(said) as
    regexp_replace(
        regexp_replace(said, '(\b(?i:option|choice|answer)) +A(' || sign() || '|$)', '\1 (A)\2', 'g'),
        '(^|' || sign() || ')A +((?:is|because|since)(?:' || sign() || '|$))',
        '\1"A" \2',
        'g'
    );

-- "A dog", "I think": the article and the pronoun go
create or replace macro without_lone_words(said) as
    regexp_replace(said, '(^|[^\p{L}\p{M}\p{N}])(?:[AI][ \t]+)+([\p{L}\p{N}])', '\1\2', 'g');

create or replace macro readable(said) as
    without_lone_words(with_marked_letters(without_refuted(without_thoughts(said))));

create or replace macro without_reasons(said) as
    regexp_replace(
        said,
        '(?is)\b(?:because|since|explanation|reason|reasoning|rationale|here is why|here[''’]s why'
        || '|as opposed|whereas|while|although)\b.*',
        ''
    );
