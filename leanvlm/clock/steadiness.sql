-- steadiness: how busy the machine was with other things while it was timed.
--
-- Grain:     one row per model, device.
-- Unit:      worst: seconds of the reference work, what nine in ten stay below in the worst
--            process, over the fastest of all. n_busy: processes in which that is over 1.3, below
--            which a quiet machine stays.
-- Reads:     ceilings.
-- Undefined: no row where nothing was timed.

with

fastest as (

    select
        model,
        device,
        reference_high,
        min(reference_low) over (partition by device) as best
    from ceilings

)

select
    model,
    device,
    count(*) as n_processes,
    max(reference_high / best) as worst,
    count(*) filter (where reference_high > 1.3 * best) as n_busy
from fastest
group by all
order by model, device
