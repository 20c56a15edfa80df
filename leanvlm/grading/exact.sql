-- exact: 1 where the answer says the same as one of the right answers, otherwise 0.
--
-- Source:     VQA accuracy, Antol et al. 2015, arXiv 1505.00468, for questions with one right answer.
-- Departs:    one match is enough; VQA asks that three of ten people gave the answer: that is the rule vqa.
--             "The answer is red" and "It's red" say red, "Yes, it is" says yes.
-- Reads:      _text, _sayings.
-- Undefined:  never null.
-- Ungradable: a blank answer.

create or replace macro is_gradable_exact(answer, answers, options) as not is_blank(spoken(answer));

create or replace macro grade_exact(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        else cast(says_one_of(answer, answers) as double)
    end;
