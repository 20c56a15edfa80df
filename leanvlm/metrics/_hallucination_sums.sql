-- _hallucination_sums: how questions about what is in the picture, and what is not, are answered.
--
-- Grain:     one row per model, recipe, benchmark, kind, cluster_number.
-- Unit:      number of samples. n_absent: questions about what is not in the picture: those to which "no" is
--            right by the rule mme, and those of the kind absent. n_made_up: of them, those answered as if it
--            were there; n_found: of the others, those answered rightly. kind: that of the question, or all.
-- Source:    Li et al. 2023, arXiv 2305.10355 (POPE), section 4. Clusters: as in _calibration_sums.sql.
-- Departs:   an answer that says neither is wrong, but makes nothing up; POPE's code takes it for a yes.
-- Reads:     grades, samples, steps.samples, steps.left_out.
-- Undefined: no row of benchmarks that ask about nothing absent.

with

asked as (

    select
        benchmark,
        sample_id,
        unnest([kind, 'all']) as kind,
        case
            when rule = 'mme' then list_contains(list_transform(answers, lambda truth: lower(truth)), 'no')
            else kind = 'absent'
        end as is_absent
    from samples
    where rule = 'mme' or kind in ('absent', 'present')

)

select
    grades.model,
    grades.recipe,
    grades.benchmark,
    asked.kind,
    places.picture_index % 128 + 1 as cluster_number,
    count(*) as n_samples,
    count(*) filter (where grades.outcome = 'right') as n_right,
    count(*) filter (where asked.is_absent) as n_absent,
    count(*) filter (where asked.is_absent and grades.outcome in ('wrong', 'partly')) as n_made_up,
    count(*) filter (where not asked.is_absent and grades.outcome = 'right') as n_found
from grades
inner join asked
    on
        grades.benchmark = asked.benchmark
        and grades.sample_id = asked.sample_id
inner join steps.samples as places
    on
        grades.benchmark = places.benchmark
        and grades.sample_id = places.sample_id
anti join steps.left_out as left_out
    on
        grades.model = left_out.model
        and grades.benchmark = left_out.benchmark
        and grades.sample_id = left_out.sample_id
group by all
