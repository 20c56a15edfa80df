-- exact: 1 where the answer says the same as one of the right answers, otherwise 0.
--
-- Source:  VQA accuracy, Antol et al. 2015, arXiv 1505.00468, for questions with one right answer.
-- Departs: one match is enough; VQA asks that three of ten people gave the answer.
-- Reads:   _text.
-- Undefined: never null; a blank answer is worth 0.

create or replace macro grade_exact(answer, answers) as
    case
        when is_blank(answer) then cast(0 as double)
        else list_max(
            list_transform(answers, lambda truth: cast(normalised(answer) = normalised(truth) as double))
        )
    end;
