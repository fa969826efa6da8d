-- The rank of opportunities: which one a person or the coordinator decides first.
--
-- rank = impact × confidence × urgency factor × reversibility factor × author factor
--
-- Impact times confidence, 1 to 25, is what the proposal says it is worth; each further factor moves it by a
-- third at most. Of equal ranks the older opportunity comes first.

-- Returns the factor of an urgency from 1 to 5.
-- Chosen: 0.8 to 1.2 in even steps, so that urgency decides between proposals of about the same worth and
-- never makes a small one large.
create or replace function urgency_factor(p_urgency int) returns numeric
language sql immutable as $$
  select 0.7 + 0.1 * p_urgency
$$;

-- Returns the factor of a reversibility.
-- Chosen: a step that is hard to undo needs a third more worth for the same place.
create or replace function reversibility_factor(p_reversibility text) returns numeric
language sql immutable as $$
  select case p_reversibility when 'high' then 1.0 when 'medium' then 0.9 else 0.75 end
$$;

-- Returns the parts of a rank: impact, confidence, urgencyFactor, reversibilityFactor and authorFactor, and
-- rank, their product to two places.
create or replace function rank_parts(
  p_impact int, p_confidence int, p_urgency int, p_reversibility text, p_author numeric
) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'rank', round(p_impact * p_confidence * urgency_factor(p_urgency) * reversibility_factor(p_reversibility)
      * p_author, 2),
    'impact', p_impact,
    'confidence', p_confidence,
    'urgencyFactor', urgency_factor(p_urgency),
    'reversibilityFactor', reversibility_factor(p_reversibility),
    'authorFactor', p_author)
$$;

-- Returns the parts of the rank of one opportunity as it is now.
create or replace function opportunity_rank(p_opportunity opportunities) returns jsonb
language sql stable as $$
  select rank_parts((p_opportunity).impact, (p_opportunity).confidence, (p_opportunity).urgency,
    (p_opportunity).reversibility,
    author_factor((p_opportunity).namespace, (p_opportunity).source_agent))
$$;
