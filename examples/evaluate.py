"""Which of three recipes keeps most, with error bars, and what they answered: `python examples/evaluate.py`."""

import leanvlm

model = leanvlm.load("artifacts/models/embedded")
found = leanvlm.evaluate(
    model,
    recipes=["tokens/fastv@40%", "tokens/visionzip@40%", "controls/random_tokens@40%"],
    benchmarks=["documents", "charts"],
    n=20,
)

print(found.sql("select recipe, benchmark, accuracy, n_samples from accuracy order by benchmark, accuracy desc"))
print(
    found.sql("""
    select answers.recipe, samples.question, samples.answers as right_answers, answers.answer
    from answers
    inner join grades using (model, recipe, benchmark, sample_id)
    inner join samples using (benchmark, sample_id)
    where grades.outcome = 'wrong' and answers.recipe <> 'controls/full'
    order by all
    limit 5
""")
)
