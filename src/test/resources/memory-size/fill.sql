-- Active memories of the namespace default, fill.memories in all: a tenth of them about one service, all with the
-- same three words, a third about nothing in particular, the others about 2,000 services. Triggers are off, because they would
-- need minutes; the words are therefore ones that no stemmer changes.
alter table memories disable trigger user;

insert into memories (
  namespace, kind, scope, subject_key, title, body, evidence, source_refs, confidence, stability, visibility,
  trust, source_agent, promoted_by, notes, next_review_at, words)
select 'default', 'lesson', case when about is null then 'global' else 'service' end, about, title, body, 'seen',
  '[]', 1 + g % 5, 'medium', 'shared', 'trusted', 'research', 'operator:anna', 'measured', now() + interval '60 days',
  (
    select string_agg(distinct format('''default %s'':1B', word), ' ')::tsvector
    from unnest(string_to_array(title || ' ' || body, ' ')) word)
from (
  select g,
    case when g % 10 = 0 then 'wide-api' when g % 3 = 0 then null else 'svc-' || g % 2000 end as about,
    case when g % 10 = 0 then 'wide1 wide2 wide3 ' else '' end || 'code' || g as title,
    (
      select string_agg('w' || floor(20000 * power((hashint8(g * 100 + k)::bigint & 1048575) / 1048576.0, 3)), ' ')
      from generate_series(1, 30) k) as body
  from generate_series(1, current_setting('fill.memories')::bigint) g) made;

alter table memories enable trigger user;

insert into memory_words (namespace, word, memories)
select 'default', word, count(*)
from memories
cross join unnest(counted_words('default', words)) word
group by word;

vacuum analyze memories;
vacuum analyze memory_words;
