-- What the metrics read, of one table of predictions.

create view grades as
select
    model,
    recipe,
    benchmark,
    sample_id,
    grade,
    round(grade) as published_grade,
    cast(null as double) as published_reference,
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
    -0.001 * new_tokens * (hash(model, recipe, sample_id) % 1000) as log_probability,
    prompt_tokens,
    visual_tokens,
    1 + hash(sample_id) % 4 as visual_runs
from predictions;
