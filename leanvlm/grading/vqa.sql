-- vqa: the share of people who gave the answer, where three are enough; averaged over leaving each one out.
--
-- Source:     VQA accuracy, Antol et al. 2015, arXiv 1505.00468, section 3.3, and its evaluation page: mean
--             over the ten subsets of nine people of min(n who agree / 3, 1).
-- Code:       github.com/GT-Vision-Lab/VQA @ c4e6a0e, vqaEvaluation/vqaEval.py (read, not copied).
-- Departs:    people agree where they say the same, as in exact: "-5" is not "5", "50 %" is "50%", and
--             apostrophes go where the code has a table of contractions. People's answers are always spelt as
--             the model's; the code leaves them whole where all people agree. Where fewer than three others
--             are left, all of them are enough; a single answer wants a match.
-- Reads:      _text, _sayings.
-- Expects:    answers are all people's, with repetitions.
-- Undefined:  never null.
-- Ungradable: a blank answer.

-- n of the people agree: without one of those n - 1 are left, without another all n
create or replace macro mean_agreement(n, n_people) as
    case
        when n_people = 1 then n
        else (
            n * least((n - 1) / least(n_people - 1, 3), 1)
            + (n_people - n) * least(n / least(n_people - 1, 3), 1)
        ) / n_people
    end;

-- how many people agree with the spelling that most agree with
create or replace macro n_who_agree(spellings, peoples) as
    list_max(list_transform(spellings, lambda spelling: times_said(peoples, spelling)));

create or replace macro is_gradable_vqa(answer, answers, options) as not is_blank(spoken(answer));

create or replace macro grade_vqa(answer, answers, options) as
    case
        when is_blank(spoken(answer)) then cast(0 as double)
        else list_transform(
            [
                {
                    'spellings': spellings_of(answer),
                    'peoples': list_transform(answers, lambda truth: normalised(truth))
                }
            ],
            lambda said: round(
                mean_agreement(n_who_agree(said.spellings, said.peoples), len(said.peoples)), 9
            )
        )[1]
    end;
