-- The tables of a large grid. Variables: n_samples per benchmark, seed.

create table samples as
select
    'benchmark' || benchmarks.range as benchmark,
    'sample' || lpad(cast(numbers.range as varchar), 6, '0') as sample_id,
    'picture' || numbers.range // 2 as group_id,
    'kind' || numbers.range // 2 % 10 as kind,
    ['mean', 'pairs', 'mean_of_kinds', 'circular'][benchmarks.range % 4 + 1] as aggregate,  -- noqa: RF04
    case when benchmarks.range = 0 then 'mme' else 'exact' end as rule,  -- noqa: RF04
    [['yes', 'no'][numbers.range % 2 + 1]] as answers,
    cast([] as varchar[]) as options,
    '{"n_objects": ' || hash(numbers.range) % 5 || '}' as difficulty
from range(10) as benchmarks
cross join range(cast(getvariable('n_samples') as bigint)) as numbers;

create table recipes as
with

singles as (

    select
        'controls/' || unnest(['full', 'blind']) as method,
        cast(null as varchar) as setting,
        '' as options,
        unnest(['none', 'image']) as acts_on,
        unnest([0.7, 0.3]) as strength
    union all
    select
        'controls/' || methods.method as method,
        settings.setting,
        methods.options,
        methods.acts_on,
        methods.strength + settings.strength as strength
    from (
        values
        ('downsample', '', 'image', 0.45),
        ('random_tokens', '', 'tokens', 0.45),
        ('random_tokens', 'seed=1', 'tokens', 0.45),
        ('random_cache', '', 'cache', 0.5)
    ) as methods (method, options, acts_on, strength)
    cross join (values ('10%', 0.0), ('40%', 0.1)) as settings (setting, strength)
    union all
    select
        families.family || '/method' || numbers.range as method,
        settings.setting,
        '' as options,
        families.family as acts_on,
        0.5 + numbers.range / 100.0 + settings.strength as strength
    from (values ('tokens'), ('cache')) as families (family)
    cross join range(8) as numbers
    cross join (values ('10%', 0.0), ('40%', 0.1)) as settings (setting, strength)
    union all
    select
        'weights/method' || range as method,
        'w4' as setting,
        '' as options,
        'weights' as acts_on,
        0.6 + range / 100.0 as strength
    from range(4)

),

named as (

    select
        method || coalesce('@' || setting, '') || coalesce(':' || nullif(options, ''), '') as recipe,
        split_part(method, '/', 1) as family,
        acts_on,
        strength,
        [struct_pack(method := method, setting := setting, options := options)] as parts
    from singles

)

select * from named
union all
select
    weights.recipe || '+' || tokens.recipe || '+' || cache.recipe as recipe,
    'combined' as family,
    'several' as acts_on,
    0.5 as strength,
    weights.parts || tokens.parts || cache.parts as parts
from named as weights
inner join named as tokens on tokens.recipe = 'tokens/method0@40%'
inner join named as cache on cache.recipe = 'cache/method0@40%'
where weights.family = 'weights';

create table cells as
select
    'model' || models.range as model,
    recipes.recipe,
    'benchmark' || benchmarks.range as benchmark,
    recipes.family,
    recipes.acts_on,
    'owner/net' as checkpoint,  -- noqa: RF04
    benchmarks.range >= 4 as is_sensitive_to_cache,
    1000 as weights_bytes,
    1000 as full_weights_bytes,
    100.0 + hash(recipes.recipe) % 900 as cache_bytes,
    1000.0 as full_cache_bytes
from range(2) as models
cross join recipes
cross join range(10) as benchmarks;

create table parts as
with

numbered as (

    select
        'model' || models.range as model,
        recipes.recipe,
        unnest(range(1, len(recipes.parts) + 1)) as position,
        unnest(recipes.parts) as part
    from range(2) as models
    cross join recipes

)

select
    model,
    recipe,
    position,
    part['method'] as method,
    part['setting'] as setting,
    part['options'] as options
from numbered;

create table timings as
select
    'model' || models.range as model,
    recipes.recipe,
    'device' as device,
    'engine' as engine,
    'float16' as dtype,
    'sdpa' as attention,
    axes.axis,
    axes.batch_size,
    1000 as prompt_tokens,
    900 as visual_tokens,
    16 as new_tokens,
    false as is_shape_only,
    phases.phase,
    repeats.range // 4 as process, -- noqa: RF04
    repeats.range % 4 as repeat,
    1 + hash(recipes.recipe, repeats.range, phases.phase) % 1000 / 1000.0 as seconds,
    2.0 as full_seconds
from range(2) as models
cross join recipes
cross join range(20) as repeats
cross join (values ('none', 1), ('batch_size', 4)) as axes (axis, batch_size)
cross join (values ('vision'), ('selection'), ('prefill'), ('decode'), ('total')) as phases (phase);

create table workloads as
select distinct
    model,
    recipe,
    device,
    engine,
    dtype,
    attention,
    axis,
    batch_size,
    prompt_tokens,
    visual_tokens,
    new_tokens,
    is_shape_only,
    phase,
    1e9 as operations,
    2e9 as full_operations,
    1e8 as moved_bytes,
    2e8 as full_moved_bytes
from timings
where phase in ('vision', 'prefill', 'decode');

create table ceilings as
select distinct
    model,
    device,
    dtype,
    process,
    1e11 as operations,
    1e10 as moved_bytes,
    100.0 as watts,
    2.0 as dollars_per_hour
from timings;

-- a sample's difficulty is shared by all recipes, so that recipes agree as much as real ones do
create table predictions as
with

drawn as (

    select
        cells.model,
        cells.recipe,
        cells.benchmark,
        samples.sample_id,
        0.7 * (hash(getvariable('seed'), samples.benchmark, samples.sample_id) >> 11) / 9007199254740992
        + 0.3 * (hash(cells.model, cells.recipe, samples.sample_id) >> 11) / 9007199254740992 as difficulty,
        recipes.strength,
        hash(samples.sample_id, cells.recipe, cells.model) % 16 as variant
    from cells
    inner join recipes
        on cells.recipe = recipes.recipe
    inner join samples
        on cells.benchmark = samples.benchmark

)

select
    model,
    recipe,
    benchmark,
    sample_id,
    case
        when difficulty < strength then 1.0
        when difficulty < strength + 0.05 then variant / 21.0
        else 0.0
    end as grade,
    case
        when difficulty < strength then 'right'
        when difficulty < strength + 0.05 and variant > 0 then 'partly'
        when variant = 3 then 'ungradable'
        else 'wrong'
    end as outcome,
    case
        when difficulty < strength then benchmark || ' ' || sample_id
        else benchmark || ' ' || sample_id || ' ' || variant
    end as answer,
    1 + hash(sample_id) % 12 as new_tokens,
    1000 as prompt_tokens,
    400 + hash(benchmark, sample_id) % 550 as visual_tokens
from drawn;
