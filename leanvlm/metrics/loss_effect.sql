-- loss_effect: why a recipe fails: the loss that goes with each property of a sample, the others as they are.
--
-- Grain:     one row per model, recipe, property.
-- Unit:      grades, of 1 lost or gained, for one standard deviation more of the property. Above 0: samples
--            with more of it are lost more often. Over the n_samples that the full model answers rightly,
--            whose mean_loss is given. low and high: 95 % interval. strength: 1 for the largest either way.
-- Source:    ours, by linear regression on standardised properties (Cohen et al. 2003, Applied Multiple
--            Regression, chapter 3). Interval: robust to unequal spread and to samples of one picture, Liang
--            and Zeger 1986, Biometrika 73; its correction for few pictures: Cameron and Miller 2015, A
--            practitioner's guide to cluster-robust inference, section II.
-- Departs:   it says what goes together with losses among the properties that are known (_properties.sql),
--            not what would happen to a sample that had more of one. Not corrected for the number of tests.
-- Reads:     steps.fits, steps.properties, steps.losses.
-- Undefined: low and high are null where there are as few samples as properties, or one picture; no row of
--            controls/full, nor of a property that is the same for all samples.

with

residuals as (

    -- whole numbers, whose sums are the same in any order: billionths
    select
        losses.model,
        losses.recipe,
        losses.benchmark,
        losses.sample_id,
        losses.cluster_number,
        losses.loss,
        losses.loss
        - cast(sum(cast(round(properties.standing * 1000 * fits.number) as bigint)) as bigint) as residual
    from steps.losses as losses
    inner join steps.properties as properties
        on
            losses.model = properties.model
            and losses.benchmark = properties.benchmark
            and losses.sample_id = properties.sample_id
    inner join steps.fits as fits
        on
            losses.model = fits.model
            and losses.recipe = fits.recipe
            and properties.property = fits.property
            and fits.other is null
    group by
        losses.model,
        losses.recipe,
        losses.benchmark,
        losses.sample_id,
        losses.cluster_number,
        losses.loss

),

sizes as (

    select
        model,
        recipe,
        count(*) as n_samples,
        count(distinct benchmark || '/' || cluster_number) as n_clusters,
        sum(loss) as loss
    from residuals
    group by all

),

scores as (

    select
        residuals.model,
        residuals.recipe,
        residuals.benchmark,
        residuals.cluster_number,
        properties.property,
        cast(sum(cast(properties.standing as hugeint) * residuals.residual) as double) / 1000000000000000
            as score
    from residuals
    inner join steps.properties as properties
        on
            residuals.model = properties.model
            and residuals.benchmark = properties.benchmark
            and residuals.sample_id = properties.sample_id
    group by all

),

influences as (

    -- by how much each cluster of samples moves each number, in million millionths
    select
        scores.model,
        scores.recipe,
        scores.benchmark,
        scores.cluster_number,
        inverses.property,
        sum(cast(round(inverses.number * scores.score * 1000000000000) as hugeint)) as influence
    from scores
    inner join steps.fits as inverses
        on
            scores.model = inverses.model
            and scores.recipe = inverses.recipe
            and scores.property = inverses.other
    group by all

),

spreads as (

    select
        model,
        recipe,
        property,
        cast(sum(influence * influence) as double) / 1e24 as spread
    from influences
    group by all

),

effects as (

    select
        fits.model,
        fits.recipe,
        fits.property,
        sizes.n_samples,
        cast(sizes.loss as double) / sizes.n_samples / 1000000000 as mean_loss,
        fits.number as effect,
        sqrt(
            spreads.spread
            * sizes.n_clusters / nullif(sizes.n_clusters - 1, 0)
            * (sizes.n_samples - 1) / nullif(greatest(0, sizes.n_samples - fits.n_properties), 0)
        ) as standard_error
    from steps.fits as fits
    inner join sizes
        on
            fits.model = sizes.model
            and fits.recipe = sizes.recipe
    inner join spreads
        on
            fits.model = spreads.model
            and fits.recipe = spreads.recipe
            and fits.property = spreads.property
    where fits.other is null and fits.property != ''

)

select
    model,
    recipe,
    property,
    n_samples,
    round(mean_loss, 9) as mean_loss,
    round(effect, 9) as loss_effect,
    round(effect - 1.96 * standard_error, 9) as low,
    round(effect + 1.96 * standard_error, 9) as high,
    row_number() over (partition by model, recipe order by abs(round(effect, 9)) desc, property) as strength
from effects
order by model, recipe, strength
