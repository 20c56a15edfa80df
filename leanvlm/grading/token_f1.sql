-- token_f1: the harmonic mean of the words' precision and recall, against the best right answer.
--
-- Source:  SQuAD, Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1: bags of words without articles.
-- Departs: words are those of _text, so number words equal digits.
-- Reads:   _text.
-- Undefined: never null; a blank answer is worth 0; an answer of signs alone is right where it is the same.

create or replace macro times_said(words, word) as
    len(list_filter(words, lambda other: other = word));

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
    2 * words_shared(said, truth) / cast(nullif(len(said) + len(truth), 0) as double);

create or replace macro grade_token_f1(answer, answers) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(
                answers,
                lambda truth: coalesce(
                    round(f1_of_words(words_of(answer), words_of(truth)), 9),
                    cast(normalised(answer) = normalised(truth) as double)
                )
            )
        )
    end;
