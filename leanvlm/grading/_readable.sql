-- _readable: an answer without what would be mistaken for the letter that it chooses.
--
-- Goes: what was thought aloud, letters beyond the options, letters that are refuted ("not A", "A is wrong"),
--       letters between which no choice is made ("A or B"), the article "A" and the pronoun "I".
-- Reads: _patterns.

-- what was thought aloud goes, ended or cut off
create or replace macro without_thoughts(said) as
    case
        when regexp_matches(said, '[<◁]')
            then
                regexp_replace(
                    regexp_replace(
                        said, '(?is)^.*(?:</(?:think|thinking|thought|reasoning)>|◁/think▷)', ''
                    ),
                    '(?is)(?:<(?:think|thinking|thought|reasoning)>|◁think▷).*',
                    ''
                )
        else said
    end;

-- what stands between <answer> and </answer>, the last time
create or replace macro tagged_answer(said) as
    case
        when contains(said, '<answer>')
            then nullif(regexp_extract(said, '(?s)^.*<answer>\s*([^\s<][^<]*)', 1), '')
    end;

-- a list of one holds what is used more than once, here and elsewhere: a macro writes it out each time
create or replace macro spoken(said) as
    list_transform([without_thoughts(said)], lambda text: coalesce(tagged_answer(text), text))[1];

create or replace macro wide_signs() as
    '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ（）．：％，、。';

-- letters, digits and signs that are as wide as Chinese ones become narrow
create or replace macro with_narrow_signs(said) as
    translate(said, wide_signs(), '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz().:%,..');

-- beside letters and digits only ASCII is left, so that a pattern can say what a sign is without Unicode's
-- tables, which take long to compile
create or replace macro with_ascii_signs(said) as
    case
        when strlen(said) = length(said) then said
        else
            list_transform(
                [translate(with_narrow_signs(nfc_normalize(said)), '’‘“”„«»–—−', '''''"""""---')],
                lambda text: regexp_replace(text, '[^\x00-\x7f\p{L}\p{M}\p{N}]', ' ', 'g')
            )[1]
    end;

-- the option's letter at a place, counted from 1; J is the last that is known
create or replace macro letter_at(place) as nullif(substr('ABCDEFGHIJ', place, 1), '');

create or replace macro last_letter(options) as
    letter_at(case when len(options) between 1 and 10 then len(options) else 10 end);

create or replace macro among(letter, options) as
    list_filter([upper(letter)], lambda found: found <= last_letter(options))[1];

-- patterns are written out: one that is put together for each row is compiled for each row
create or replace macro without_letters_beyond(said, options) as
    case len(options)
        when 1 then regexp_replace(said, '\b[B-J]\b', ' ', 'g')
        when 2 then regexp_replace(said, '\b[C-J]\b', ' ', 'g')
        when 3 then regexp_replace(said, '\b[D-J]\b', ' ', 'g')
        when 4 then regexp_replace(said, '\b[E-J]\b', ' ', 'g')
        when 5 then regexp_replace(said, '\b[F-J]\b', ' ', 'g')
        when 6 then regexp_replace(said, '\b[G-J]\b', ' ', 'g')
        when 7 then regexp_replace(said, '\b[H-J]\b', ' ', 'g')
        when 8 then regexp_replace(said, '\b[IJ]\b', ' ', 'g')
        when 9 then regexp_replace(said, '\bJ\b', ' ', 'g')
        else said
    end;

-- "not A or B", "A is wrong", "option (A) isn't": these letters go
create or replace macro without_refuted(said) as
    regexp_replace(
        said,
        '\b(?i:not|cannot|can''t|never|nor|neither|than|unlike|instead of|exclude|eliminate|rule out)'
        || '(?i: be| choose)?(?i: option| choice)? \(?[A-J]\b\)?(?:(?: or| nor| and) \(?[A-J]\b\)?)*'
        || '|(?i:\b(?:option|choice|answer) )?\(?\b[A-J]\)? (?i:is|are|was|would be|seems)'
        || '(?i:n''t\b| (?:[a-z]+ly )?(?:not|wrong|incorrect|false|untrue|impossible)\b)',
        ' ',
        'g'
    );

-- "A or B", "(A) and (B)": between these no choice is made
create or replace macro without_undecided(said) as
    regexp_replace(
        said, '\(?\b[A-J]\b\)?(?:,? (?i:or|and|and/or) \(?[A-J]\b\)?|/\(?[A-J]\b\)?)+', ' ', 'g'
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
    regexp_replace(said, '(^|[^[:alnum:][:^ascii:]])(?:[AI][ \t]+)+([[:alnum:][:^ascii:]])', '\1\2', 'g');

create or replace macro readable(said, options) as
    without_lone_words(
        with_marked_letters(without_undecided(without_refuted(without_letters_beyond(said, options))))
    );

create or replace macro without_reasons(said) as
    regexp_replace(
        said,
        '(?is)\b(?:because|since|explanation|reason|reasoning|rationale|here is why|here''s why'
        || '|as opposed|whereas|while|although)\b.*',
        ''
    );
