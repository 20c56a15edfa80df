-- anls: how near the answer's letters are to the nearest right answer; 0 where half or more must change.
--
-- Source:     ANLS, Biten et al. 2019, arXiv 1907.00490, equation 1, with tau = 0.5.
-- Departs:    not at all. It does not mind case, it does mind spaces, runs of spaces count as one.
-- Reads:      _text.
-- Undefined:  never null.
-- Ungradable: a blank answer.

-- the first 127 different characters of both texts, in order
create or replace macro alphabet_of(said, truth) as
    array_to_string(list_sort(list_distinct(string_split(said || truth, '')))[1:127], '');

-- levenshtein counts bytes: give each character one byte first; beyond 127 of them it is an upper bound
create or replace macro with_byte_letters(said, alphabet) as
    translate(
        said,
        alphabet,
        array_to_string(
            list_transform(range(1, length(alphabet) + 1), lambda code: chr(cast(code as integer))), ''
        )
    );

create or replace macro letters_changed(said, truth) as
    case
        when strlen(said || truth) = length(said || truth) then levenshtein(said, truth)
        else levenshtein(
            with_byte_letters(said, alphabet_of(said, truth)),
            with_byte_letters(truth, alphabet_of(said, truth))
        )
    end;

create or replace macro letters_kept(said, truth) as
    1 - letters_changed(said, truth) / cast(greatest(length(said), length(truth), 1) as double);

create or replace macro is_gradable_anls(answer, answers, options) as not is_blank(answer);

create or replace macro grade_anls(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(
                answers,
                lambda truth: case
                    when letters_kept(lowered(answer), lowered(truth)) > 0.5
                        then round(letters_kept(lowered(answer), lowered(truth)), 9)
                    else cast(0 as double)
                end
            )
        )
    end;
