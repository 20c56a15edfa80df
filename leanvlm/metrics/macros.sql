-- What every metric says in the same words. Replicate 0 is the data, the others are the bootstrap.

create or replace macro point(value, replicate) as
round(any_value(value) filter (where replicate = 0), 9);

create or replace macro low(value, replicate) as
round(quantile_cont(value, 0.025) filter (where replicate > 0), 9);

create or replace macro high(value, replicate) as
round(quantile_cont(value, 0.975) filter (where replicate > 0), 9);

-- Twice the smaller tail of a fair coin's tosses, by logarithms so that no factorial overflows; terms far
-- below the last one are too small to count. McNemar 1947, Psychometrika 12; exact at any count.
create or replace macro mcnemar_p(n_one, n_other) as
round(
    least(
        1,
        2 * list_sum(
            list_transform(
                range(
                    least(n_one, n_other),
                    greatest(
                        -1, least(n_one, n_other) - 40 - 6 * cast(ceil(sqrt(n_one + n_other)) as bigint)
                    ),
                    -1
                ),
                lambda heads: exp(
                    lgamma(n_one + n_other + 1)
                    - lgamma(heads + 1)
                    - lgamma(n_one + n_other - heads + 1)
                    - (n_one + n_other) * ln(2)
                )
            )
        )
    ),
    9
);

-- how often something counts whose chance is so many 65,536ths: the distribution function of Poisson(1)
create or replace macro poisson(chance) as cast(
    case
        when chance < 24109 then 0
        when chance < 48219 then 1
        when chance < 60273 then 2
        when chance < 64292 then 3
        when chance < 65296 then 4
        when chance < 65497 then 5
        when chance < 65531 then 6
        else 7
    end as utinyint
);
