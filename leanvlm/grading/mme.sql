-- mme: 1 where the answer's first four letters say the right one of yes and no, otherwise 0.
--
-- Source:     MME, Fu et al. 2023, arXiv 2306.13394, section 2.2: accuracy of questions, accuracy+ of
--             pictures (both of a picture's questions must be right), score = their sum in percent.
-- Code:       the benchmark's calculation.py (read, not copied): "yes", else "no", in the first four letters.
-- Departs:    spaces at the beginning do not count.
-- Reads:      _text.
-- Undefined:  grades are never null; accuracy_plus and mme_score are null over no rows.
-- Ungradable: neither yes nor no in the first four letters.
-- Beside it:  select kind, mme_score(grade, group_id) ... group by kind; MME adds the scores of its kinds up.

-- 'yes', 'no' or null; by the official rule "none" and "not sure" say no
create or replace macro yes_or_no(said) as
    case
        when contains(left(lowered(said), 4), 'yes') then 'yes'
        when contains(left(lowered(said), 4), 'no') then 'no'
    end;

create or replace macro is_gradable_mme(answer, answers, options) as yes_or_no(answer) is not null;

create or replace macro grade_mme(answer, answers, options) as
    case
        when yes_or_no(answer) is null then cast(0 as double)
        else cast(
            list_contains(list_transform(answers, lambda truth: lowered(truth)), yes_or_no(answer))
            as double
        )
    end;

-- an aggregate: the share of groups (pictures) without a wrong answer
create or replace macro accuracy_plus(grade, group_id) as
    1 - count(distinct group_id) filter (where grade < 1) / nullif(count(distinct group_id), 0);

-- an aggregate: accuracy and accuracy+ of one kind of question, in percent; 0 to 200
create or replace macro mme_score(grade, group_id) as
    100 * (avg(grade) + accuracy_plus(grade, group_id));
