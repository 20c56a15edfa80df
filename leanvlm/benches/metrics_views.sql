-- What the metrics read, of one table of predictions.

create view grades as
select
    model,
    recipe,
    benchmark,
    sample_id,
    grade,
    outcome
from predictions;

create view answers as
select
    model,
    recipe,
    benchmark,
    sample_id,
    answer,
    new_tokens,
    prompt_tokens,
    visual_tokens
from predictions;
