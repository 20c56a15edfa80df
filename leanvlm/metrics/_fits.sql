-- _fits: the straight line through a recipe's losses, over all properties of the samples at once.
--
-- Grain:     one row per model, recipe, property, other.
-- Unit:      number: where other is null, the loss in grades that goes with one standard deviation of the
--            property, the others as they are; else the inverse of the properties' matrix of products at the
--            two. The empty property is the intercept; n_properties counts it, too.
-- Source:    least squares by sweeping a matrix: Goodnight 1979, A tutorial on the SWEEP operator, The
--            American Statistician 33. Ridge: Hoerl and Kennard 1970, Technometrics 12.
-- Departs:   a property's own square counts a thousandth more than it is: kinds add up to 1, and where two
--            properties go together no sample can say which of them it was.
-- Reads:     steps.properties, steps.losses.
-- Undefined: no row of controls/full, which loses nothing.

with recursive

numbered as (

    select
        model,
        benchmark,
        sample_id,
        property,
        standing,
        dense_rank() over (partition by model order by property) as place
    from steps.properties

),

answered as (

    select distinct
        model,
        recipe,
        benchmark
    from steps.losses

),

products as (

    -- of two properties, by benchmark: recipes can differ in benchmarks, not in samples
    select
        ones.model,
        ones.benchmark,
        ones.place,
        others.place as beside,
        sum(cast(ones.standing as hugeint) * others.standing) as product
    from numbered as ones
    inner join numbered as others
        on
            ones.model = others.model
            and ones.benchmark = others.benchmark
            and ones.sample_id = others.sample_id
    group by all

),

squares as (

    select
        answered.model,
        answered.recipe,
        products.place,
        products.beside,
        cast(sum(products.product) as double) / 1000000000000
        * case when products.place = products.beside and products.place > 1 then 1.001 else 1 end as number
    from answered
    inner join products
        on
            answered.model = products.model
            and answered.benchmark = products.benchmark
    group by
        answered.model,
        answered.recipe,
        products.place,
        products.beside

),

equations as (

    -- beside 0 are the products with the losses
    select
        model,
        recipe,
        place,
        beside,
        number
    from squares
    union all
    select
        losses.model,
        losses.recipe,
        numbered.place,
        0 as beside,
        cast(sum(cast(numbered.standing as hugeint) * losses.loss) as double) / 1000000000000000 as number
    from steps.losses as losses
    inner join numbered
        on
            losses.model = numbered.model
            and losses.benchmark = numbered.benchmark
            and losses.sample_id = numbered.sample_id
    group by
        losses.model,
        losses.recipe,
        numbered.place

),

swept as (

    select
        model,
        recipe,
        place,
        beside,
        number,
        max(place) over (partition by model, recipe) as n_properties,
        0 as n_swept
    from equations
    union all
    select
        model,
        recipe,
        place,
        beside,
        case
            when place = n_swept and beside = n_swept then -1 / corner
            when place = n_swept or beside = n_swept then number / corner
            else number - in_column * in_row / corner
        end as number,
        n_properties,
        n_swept
    from (
        select
            model,
            recipe,
            place,
            beside,
            number,
            n_properties,
            n_swept + 1 as n_swept,
            max(case when place = n_swept + 1 and beside = n_swept + 1 then number end)
                over (partition by model, recipe)
                as corner,
            max(case when place = n_swept + 1 then number end)
                over (partition by model, recipe, beside)
                as in_row,
            max(case when beside = n_swept + 1 then number end)
                over (partition by model, recipe, place)
                as in_column
        from swept
        where n_swept < n_properties
    ) as next_sweep

),

names as (

    select distinct
        model,
        place,
        property
    from numbered

)

select
    swept.model,
    swept.recipe,
    names.property,
    others.property as other,
    case when others.property is null then swept.number else -swept.number end as number,
    swept.n_properties
from swept
inner join names
    on
        swept.model = names.model
        and swept.place = names.place
left join names as others
    on
        swept.model = others.model
        and swept.beside = others.place
where swept.n_swept = swept.n_properties
