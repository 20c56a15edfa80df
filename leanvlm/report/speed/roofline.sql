-- roofline: what each recipe does a second, beside what the device could do.
--
-- Grain:     one row per model, recipe, phase, prompt_tokens of single prompts as they come.
-- Unit:      intensity: operations a byte. reached, flops: operations a second. bandwidth: bytes a second.
-- Reads:     share_of_theory, ceilings, cells.
-- Undefined: no row where work was not counted.

with

limits as (

    select
        model,
        device,
        dtype,
        max(operations) as flops,
        max(moved_bytes) as bandwidth
    from ceilings
    group by all

),

families as (

    select distinct
        recipe,
        family
    from cells

),

reached as (

    select
        share_of_theory.model,
        share_of_theory.is_shape_only,
        share_of_theory.recipe,
        families.family,
        share_of_theory.phase,
        share_of_theory.prompt_tokens,
        share_of_theory.intensity,
        share_of_theory.share_of_flops,
        share_of_theory.share_of_bandwidth,
        share_of_theory.speedup,
        share_of_theory.theory_speedup,
        share_of_theory.share_of_theory,
        limits.flops,
        limits.bandwidth,
        share_of_theory.share_of_flops * limits.flops as reached
    from share_of_theory
    inner join limits
        on
            share_of_theory.model = limits.model
            and share_of_theory.device = limits.device
            and share_of_theory.dtype = limits.dtype
    inner join families
        on share_of_theory.recipe = families.recipe
    where
        share_of_theory.axis = 'none' and share_of_theory.intensity > 0 and share_of_theory.share_of_flops > 0

)

select * from reached
order by model, array_position(['vision', 'prefill', 'decode'], phase), recipe, prompt_tokens
