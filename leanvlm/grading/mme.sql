-- mme: 1 where the answer says the right one of yes and no, otherwise 0.
--
-- Source:     MME, Fu et al. 2023, arXiv 2306.13394, section 2.2: accuracy of questions, accuracy+ of
--             pictures (both of a picture's questions must be right), score = their sum in percent.
-- Code:       the benchmark's calculation.py (read, not copied): "yes", else "no", in the first four letters.
-- Departs:    yes and no are words, wherever they stand: "nobody" and "know" say neither, "There is no dog"
--             says no. Where both are said, the one in front counts, if more than the two is said.
-- Reads:      _text, _sayings.
-- Undefined:  grades are never null; accuracy_plus and mme_score are null over no rows.
-- Ungradable: neither yes nor no, or both and nothing else.
-- Beside it:  select kind, mme_score(grade, group_id) ... group by kind; MME adds the scores of its kinds up.

-- "I have no idea" says neither
create or replace macro without_idioms(said) as
    case
        when contains(lower(said), 'no ')
            then regexp_replace(said, '(?i)\bno (?:idea|way to|one can)\b', '', 'g')
        else said
    end;

create or replace macro all_said(words) as
    list_distinct(
        list_filter(list_transform(words, lambda word: yes_or_no_word(word)), lambda said: said is not null)
    );

create or replace macro one_said(words) as
    case when len(all_said(words)) = 1 then all_said(words)[1] end;

-- 'yes', 'no' or null
create or replace macro yes_or_no(words) as
    case
        when len(words) = 1 and words[1] in ('y', 'n') then case words[1] when 'y' then 'yes' else 'no' end
        when len(words) > len(all_said(words)) then coalesce(yes_or_no_word(words[1]), one_said(words))
        else one_said(words)
    end;

create or replace macro yes_or_no_of(answer) as
    list_transform([raw_words_of(without_idioms(spoken(answer)))], lambda words: yes_or_no(words))[1];

create or replace macro is_gradable_mme(answer, answers, options) as yes_or_no_of(answer) is not null;

create or replace macro grade_mme(answer, answers, options) as
    coalesce(
        cast(
            list_contains(
                list_transform(answers, lambda truth: lowered(truth)), yes_or_no_of(answer)
            ) as double
        ),
        0
    );

-- an aggregate: the share of groups (pictures) without a wrong answer
create or replace macro accuracy_plus(grade, group_id) as
    1 - count(distinct group_id) filter (where grade < 1) / nullif(count(distinct group_id), 0);

-- an aggregate: accuracy and accuracy+ of one kind of question, in percent; 0 to 200
create or replace macro mme_score(grade, group_id) as
    100 * (avg(grade) + accuracy_plus(grade, group_id));
