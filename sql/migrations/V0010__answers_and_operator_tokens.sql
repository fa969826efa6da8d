-- Who wrote the answer that ended a block, so that the prompt can show the answer of an operator apart from
-- data. Older nodes leave the column empty.
alter table jobs add column answered_by text;
comment on column jobs.answered_by is
  'The actor who wrote the answer, such as operator:anna or agent:coordinator; null when the bus wrote it.';

-- Why a gateway refuses the operator token, so that health can say it before the stop of a run fails.
alter table gateways add column operator_refusal text;
comment on column gateways.operator_refusal is
  'The words with which the gateway refused the operator token; null when it accepts the token, or was not asked.';
