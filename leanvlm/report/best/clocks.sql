-- clocks: which device's seconds the report tells of each model.
--
-- Grain: one row per model that was timed: the device that timed most recipes.
-- Reads: overall_efficiency.

with

device_counts as (

    select
        model,
        device,
        count(distinct recipe) as n_recipes
    from overall_efficiency
    group by all

)

select
    model,
    first(device order by n_recipes desc, device asc) as device
from device_counts
group by all
order by model
