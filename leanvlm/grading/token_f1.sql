-- token_f1: the harmonic mean of the words' precision and recall, against the best right answer.
--
-- Source:     SQuAD, Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1.
-- Code:       SQuAD's evaluate-v2.0.py (read, not copied): lower case, no ASCII signs, no articles; where no
--             word is left of one text, 1 if none is left of the other.
-- Departs:    texts are composed (NFC) first. As there, "3.5" is "35" and "two" is not "2".
-- Reads:      _text.
-- Undefined:  never null.
-- Ungradable: a blank answer.

-- an article is a run of letters, digits and underscores of its own: it goes and leaves a space
create or replace macro squad_words(said) as
    list_filter(
        string_split_regex(
            array_to_string(
                list_transform(
                    regexp_extract_all(
                        without_ascii_signs(lower(nfc_normalize(said))), '[\p{L}\p{N}]+|[^\p{L}\p{N}]+'
                    ),
                    lambda run: case when is_article(run) then ' ' else run end
                ),
                ''
            ),
            '[\s\p{Z}]+'
        ),
        lambda word: word != ''
    );

create or replace macro words_shared(said, truth) as
    coalesce(
        list_sum(
            list_transform(
                list_distinct(said),
                lambda word: least(times_said(said, word), times_said(truth, word))
            )
        ),
        0
    );

create or replace macro f1_of_words(said, truth) as
    case
        when len(said) = 0 or len(truth) = 0 then cast(len(said) = len(truth) as double)
        else round(2 * words_shared(said, truth) / (len(said) + len(truth)), 9)
    end;

create or replace macro is_gradable_token_f1(answer, answers, options) as not is_blank(answer);

create or replace macro grade_token_f1(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_transform(
            -- a list of one, so that the answer is taken apart once
            [squad_words(answer)],
            lambda said: list_max(
                list_transform(
                    list_transform(answers, lambda truth: squad_words(truth)),
                    lambda truth: f1_of_words(said, truth)
                )
            )
        )[1]
    end;
