-- The gates that a candidate does not pass as it is, for the people and curators who look through the queue.

-- Returns the gates at which a promotion by this caller would be refused because of the candidate itself,
-- each with the words of the refusal: gate, says and expected. Each gate is asked as
-- promote_memory_candidate asks it. The gates of the promotion (reason, review date, conflict, limit) are
-- not asked. Null for a candidate that has ended.
create or replace function unmet_gates(p_principal jsonb, p_candidate memory_candidates) returns jsonb
language plpgsql stable as $$
declare
  v_gate text;
  v_detail text;
  v_unmet jsonb := '[]';
begin
  if p_candidate.ended_at is not null then
    return null;
  end if;
  foreach v_gate in array '{author,trust,confidence,evidence}'::text[] loop
    begin
      case v_gate
        when 'author' then perform gate_author(p_principal, p_candidate);
        when 'trust' then perform gate_trust(p_principal, p_candidate);
        when 'confidence' then
          perform gate_confidence(p_principal, p_candidate.confidence, p_candidate.confidence);
        when 'evidence' then perform gate_evidence(p_principal, p_candidate);
      end case;
    exception when sqlstate 'AB422' then
      get stacked diagnostics v_detail = pg_exception_detail;
      v_unmet := v_unmet || jsonb_build_object('gate', v_gate,
        'says', regexp_replace(sqlerrm, '^gate [^:]*: ', ''), 'expected', v_detail::jsonb -> 'expected');
    end;
  end loop;
  return v_unmet;
end
$$;
