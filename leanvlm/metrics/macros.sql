-- What every metric says in the same words. Replicate 0 is the data, the others are the bootstrap.

create or replace macro point(value, replicate) as
round(any_value(value) filter (where replicate = 0), 9);

create or replace macro low(value, replicate) as
round(quantile_cont(value, 0.025) filter (where replicate > 0), 9);

create or replace macro high(value, replicate) as
round(quantile_cont(value, 0.975) filter (where replicate > 0), 9);

-- The standard error by the jackknife: each group left out in turn, 0 is the data. Wolter 2007, chapter 4.
create or replace macro jackknife_error(value, left_out) as
round(
    sqrt(
        (count(value) filter (where left_out > 0) - 1)
        * (var_pop(value order by left_out) filter (where left_out > 0))
    ),
    9
);

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

-- Student's t, what 97.5 % stay below, for so many degrees of freedom; that of 30 for more, at most 4 % too
-- wide.
create or replace macro student_t(n_free) as
[
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423
][least(n_free, 30)];

-- How far the mean of as many processes of another run may lie from this one's: both means vary. Null for a
-- single process, of which nobody can tell.
create or replace macro another_run(value, process) as
student_t(count(value) - 1) * sqrt(2.0 / count(value)) * stddev_samp(value order by process);

create or replace macro time_verdict(low, high) as
case
    when low > 1 then 'faster'
    when high < 1 then 'slower'
    when low is not null then 'no real speed-up'
end;
