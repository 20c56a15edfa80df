-- vqa: the share of people who gave the answer, where three are enough; averaged over leaving each one out.
--
-- Source:     VQA accuracy, Antol et al. 2015, arXiv 1505.00468, section 3.3, and its evaluation page: mean
--             over the ten subsets of nine people of min(n who agree / 3, 1).
-- Code:       github.com/GT-Vision-Lab/VQA @ c4e6a0e, vqaEvaluation/vqaEval.py (read, not copied).
-- Departs:    people's answers are processed exactly as the model's, and always; the code leaves them whole
--             where all people agree. Every period that no digit follows goes; the code stops after 32.
--             Where fewer than three others are left, all of them are enough; a single answer wants a match.
-- Reads:      _text, _contractions.
-- Expects:    answers are all people's, with repetitions.
-- Undefined:  never null.
-- Ungradable: a blank answer.

create or replace macro vqa_signs() as ';/[]"{}()=+\_-><@`,?!';

-- a sign goes where a space is beside it anywhere in the text, or a comma stands between two digits
create or replace macro vanishing_signs(said) as
    case
        when regexp_matches(said, '\p{Nd},\p{Nd}') then vqa_signs()
        else array_to_string(
            list_concat(
                regexp_extract_all(said, '([][;/"{}()=+\\_><@`,?!-]) ', 1),
                regexp_extract_all(said, ' ([][;/"{}()=+\\_><@`,?!-])', 1)
            ),
            ''
        )
    end;

-- other signs become a space; a period stays only before a digit
create or replace macro without_vqa_signs(said) as
    regexp_replace(
        regexp_replace(
            translate(
                translate(said, vanishing_signs(said), ''), vqa_signs(), repeat(' ', length(vqa_signs()))
            ),
            '[.]+([^.\p{Nd}]|$)',
            '\1',
            'g'
        ),
        '[.]+([.]\p{Nd})',
        '\1',
        'g'
    );

create or replace macro vqa_words(said) as
    list_filter(
        list_transform(
            string_split_regex(
                lower(without_vqa_signs(trim(translate(nfc_normalize(said), chr(10) || chr(9), '  ')))),
                '[\s\p{Z}]+'
            ),
            lambda word: digits_of(word)
        ),
        lambda word: word != '' and not is_article(word)
    );

create or replace macro vqa_spelling(said) as
    array_to_string(list_transform(vqa_words(said), lambda word: contracted(word)), ' ');

-- n of the people agree: without one of those n - 1 are left, without another all n
create or replace macro mean_agreement(n, n_people) as
    case
        when n_people = 1 then n
        else (
            n * least((n - 1) / least(n_people - 1, 3), 1)
            + (n_people - n) * least(n / least(n_people - 1, 3), 1)
        ) / n_people
    end;

create or replace macro n_who_said(spelling, answers) as
    coalesce(
        list_histogram(list_transform(answers, lambda truth: vqa_spelling(truth)))[spelling], 0
    );

create or replace macro is_gradable_vqa(answer, answers, options) as not is_blank(answer);

create or replace macro grade_vqa(answer, answers, options) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_transform(
            [cast(n_who_said(vqa_spelling(answer), answers) as bigint)],
            lambda n: round(cast(mean_agreement(n, len(answers)) as double), 9)
        )[1]
    end;
