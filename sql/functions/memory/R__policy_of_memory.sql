-- Limits, waits and thresholds of the memory lane, each with its reason, as in kernel/R__policy.sql.

-- ----------------------------------------------------------------------------------------- memory candidates

-- The least and the most characters of each text of a candidate or memory, after white space at its ends is
-- gone.
-- Chosen: a title names its matter in one line; ten bodies of ordinary length are 600 tokens of a prompt, and
-- one of the greatest length is half of them. The evidence is for the curator and is as long as a page.
create or replace function memory_text_limits() returns table (field text, at_least int, at_most int)
language sql immutable as $$
  values
    ('title', 10, 120),
    ('body', 20, 1200),
    ('evidence', 1, 2000),
    ('subjectKey', 1, 120),
    ('notes', 1, 2000)
$$;

-- From which share on of the words of a candidate in one memory of the same prompt it is that memory again.
-- Chosen: half of what it says was there before; three words in a row rarely agree by chance.
create or replace function recalled_from() returns real language sql immutable as $$ select 0.5::real $$;

-- With how many candidates and memories about its subject a candidate is compared, the newest first.
-- Measured: 600 comparisons of long texts take 0.2 s, and others wait for the lock of the lane that long.
create or replace function compared_memories() returns int language sql immutable as $$ select 300 $$;

-- How many candidates and memories that say nearly the same a candidate names, the most similar first.
-- Chosen: more than a curator compares.
create or replace function alike_kept() returns int language sql immutable as $$ select 5 $$;

-- A candidate that nobody has decided or added sources to for this long expires.
-- Chosen: 120 runs of promotion_order; what no curator took up by then, nobody misses.
create or replace function candidate_idle() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- -------------------------------------------------------------------------------------- audit of memories

-- How many memories of each namespace one look of the auditor puts on the list of reviews, of each kind.
-- Chosen: far more than a curator reads on a day, and written within some tens of milliseconds.
create or replace function reviews_opened_at_once() returns int language sql immutable as $$ select 200 $$;

-- How long a memory may go without a verdict used before the auditor asks whether it is worth its place.
-- Documented: the plan of the lane says 60 days.
create or replace function unused_memory_after() returns interval
language sql immutable as $$ select interval '60 days' $$;

-- The time between two looks of the auditor at every active memory of a namespace.
-- Chosen: what it looks for grows over days, and a look at 100,000 memories takes 1.6 s (measured).
create or replace function memories_looked_at_every() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a conflict between a memory and a candidate may stay open before the auditor reports it.
-- Chosen: the promoter, who met it, has had twelve runs to decide it.
create or replace function contradiction_patience() returns interval
language sql immutable as $$ select interval '3 days' $$;

-- How often a memory must have been called wrong for a finding.
-- Chosen: the first may be a mistake of the agent; its review is open all the same.
create or replace function wrongs_to_tell() returns int language sql immutable as $$ select 2 $$;

-- How many new memories of a namespace within growth_window are too many; new versions do not count.
-- Chosen: more than the daily limit of promotions by agents, so that people have added half as many again.
create or replace function growth_size() returns int language sql immutable as $$ select 30 $$;

-- The time within which growth_size counts.
-- Chosen: that of the limit of promotions.
create or replace function growth_window() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How many active memories about one subject are too many.
-- Chosen: five times what a prompt can show, so that most of them are never seen.
create or replace function crowded_subject() returns int language sql immutable as $$ select 50 $$;

-- The standing order that decides about memory candidates, and that a sweep starts early.
create or replace function promotion_order() returns text
language sql immutable as $$ select 'knowledge-memory-promote' $$;

-- So many new candidates do not wait for the next slot of promotion_order.
-- Chosen: as many as the curator reads with their evidence in one run.
create or replace function early_promotion_after() returns int language sql immutable as $$ select 10 $$;

-- The least time from the last run of promotion_order to an early one, and from that to the next slot.
-- Chosen: a sixth of the six hours between two slots. A memory that comes an hour later helps nearly as much.
create or replace function early_promotion_rest() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a wrong memory, a conflict, or a candidate that only a person may promote waits for the curator
-- before needs-me shows it to people.
-- Chosen: within a day knowledge-memory-review and four runs of knowledge-memory-promote have looked at it.
create or replace function curator_patience() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How long the review of a memory about its date, its use or its sources waits before needs-me shows it.
-- Chosen: knowledge-memory-review has had seven nights.
create or replace function curator_absence() returns interval
language sql immutable as $$ select interval '7 days' $$;

-- ------------------------------------------------------------------------------------- promotion of memories

-- How sure of a claim its author must at least be, of 5, so that it becomes a memory.
-- Documented: the plan of the lane says 3.
create or replace function promoted_confidence() returns int language sql immutable as $$ select 3 $$;

-- The least share of an agent's words (0 to 1) that must be those of the author, when it changes them as it
-- promotes a candidate or writes a new version.
-- Chosen: half, as recalled_from; to shorten keeps nearly all.
create or replace function kept_words() returns real language sql immutable as $$ select 0.5::real $$;

-- How many characters the reason of a promotion has at least.
-- Chosen: shorter ones, such as "ok", give no reason.
create or replace function promotion_reason_length() returns int language sql immutable as $$ select 10 $$;

-- How many memories the agents of a namespace make a day (UTC), new versions included.
-- Chosen: as many as knowledge is told to promote a day; what is worth more is worth a person.
create or replace function promotions_a_day() returns int language sql immutable as $$ select 20 $$;

-- After how long somebody looks again at a memory of this stability.
-- Chosen: a volatile one changes with a release, a stable one outlives half a year.
create or replace function review_after(p_stability text) returns interval
language sql immutable as $$
  select case p_stability
    when 'volatile' then interval '14 days'
    when 'medium' then interval '60 days'
    else interval '180 days' end
$$;

-- From which similarity on (0 to 1) of titles or of whole texts a candidate and a memory of the same scope,
-- subject and kind are about the same matter, so that the promoter has to say which of them holds.
-- Chosen: lower than near_duplicate_from. To look at one more memory costs a call, and two that contradict
-- each other stand in prompts.
create or replace function conflict_from() returns real language sql immutable as $$ select 0.4::real $$;

-- How many memories one call of expire-memories ends.
-- Chosen: they take some seconds, and a call may take 20.
create or replace function expired_at_once() returns int language sql immutable as $$ select 10000 $$;

-- How many versions, reviews and injections get-memory shows, and how many memories a dry run of
-- expire-memories and the answer of a conflict, newest or nearest first.
-- Chosen: one screen.
create or replace function memory_rows_shown() returns int language sql immutable as $$ select 20 $$;

-- -------------------------------------------------------------------------------------- memories in a prompt

-- How many memories a prompt has at most.
-- Chosen: few, because each takes attention from the job.
create or replace function most_injected() returns int language sql immutable as $$ select 10 $$;

-- How many tokens the memories of a prompt have at most.
-- Chosen: a tenth of an ordinary prompt.
create or replace function most_injected_tokens() returns int language sql immutable as $$ select 600 $$;

-- The characters around a memory in a prompt: its number, kind, scope, subject, source and id.
create or replace function memory_head_length() returns int language sql immutable as $$ select 110 $$;

-- The longest identifier or word by which memories are found, in characters.
-- Chosen: longer ones are hashes and encoded data, which name nothing that a memory speaks of.
create or replace function identifier_length() returns int language sql immutable as $$ select 60 $$;

-- Of how many identifiers of a text the beginnings and ends are looked for, too.
-- Chosen: a stack trace has fewer; those of a long log would be a thousand words more.
create or replace function most_identifiers_parted() returns int language sql immutable as $$ select 40 $$;

-- The longest key of a job, in characters; that of a memory's subject is the same.
create or replace function job_key_length() returns int language sql immutable as $$ select 120 $$;

-- How many keys a job has at most.
-- Chosen: a job is about few things; a payload with a list of hundreds is about none of them in particular.
create or replace function most_job_keys() returns int language sql immutable as $$ select 10 $$;

-- How many lines of a job's text are compared with the subjects of memories.
-- Chosen: payloads of people have fewer values; each costs some microseconds.
create or replace function most_lines_looked_up() returns int language sql immutable as $$ select 20 $$;

-- The longest line of a job's text, in characters, that may be the subject of a memory.
-- Chosen: names of services, projects and people are shorter.
create or replace function longest_name() returns int language sql immutable as $$ select 60 $$;

-- How many characters of a job's text are searched.
-- Chosen: more than a thousand words; the parser needs about 1 ms for them.
create or replace function job_text_length() returns int language sql immutable as $$ select 8000 $$;

-- How many values of a payload are searched for texts.
-- Chosen: more texts than job_text_length has room for; a payload of 120,000 numbers must cost a few ms.
create or replace function payload_values() returns int language sql immutable as $$ select 500 $$;

-- How many values of one list or object of a payload are searched for texts.
-- Chosen: a long list leaves room for the other fields.
create or replace function payload_children() returns int language sql immutable as $$ select 200 $$;

-- On how many levels a payload is searched for texts.
-- Chosen: payloads of people and programs rarely have half as many.
create or replace function payload_levels() returns int language sql immutable as $$ select 8 $$;

-- How many of a job's words are compared with those of memories, the most telling.
-- Chosen: an ordinary job has fewer; a log of a thousand words has hundreds that say nothing.
create or replace function most_words_compared() returns int language sql immutable as $$ select 120 $$;

-- How many of a job's words are looked up, the rarest.
-- Chosen: the rare words decide; each costs some tens of microseconds.
create or replace function most_words_looked_up() returns int language sql immutable as $$ select 40 $$;

-- How many memories the words have in all that are looked up.
-- Chosen: so the cost stays the same however many memories there are.
create or replace function most_memories_looked_up() returns int language sql immutable as $$ select 500 $$;

-- How many of the memories that are found by words are compared with all words of the job; and how many that
-- are found by keys.
create or replace function most_memories_compared() returns int language sql immutable as $$ select 40 $$;

-- How many memories about other subjects than those of the job are compared: its text may name these.
create or replace function most_others_compared() returns int language sql immutable as $$ select 20 $$;

-- How many of the memories that have a word of a query are ranked.
-- Chosen: four times the longest answer.
create or replace function most_memories_searched() returns int language sql immutable as $$ select 200 $$;

-- How many of the newest memories a search reads, for one subject or for a word of very many memories.
-- Chosen: those of a subject are fewer, and the words of 10,000 memories are compared within about 50 ms.
create or replace function most_memories_read() returns int language sql immutable as $$ select 10000 $$;

-- How many identifiers of a query are also looked for as a part of longer ones, the longest.
create or replace function most_identifiers_searched() returns int language sql immutable as $$ select 3 $$;

-- How much a word in the title of a memory counts.
-- Chosen: a title names the matter.
create or replace function title_word_weight() returns real
language sql immutable as $$ select 1.2::real $$;

-- How much a word in the body of a memory counts.
create or replace function body_word_weight() returns real
language sql immutable as $$ select 0.8::real $$;

-- How much a word counts that stands only in the subject of a job.
create or replace function subject_word_weight() returns real
language sql immutable as $$ select 0.8::real $$;

-- How much the beginning or end of an identifier counts, such as the folder of a path.
create or replace function identifier_part_weight() returns real
language sql immutable as $$ select 0.8::real $$;

-- How many different words a job's text has before each of them says less.
create or replace function ordinary_text_words() returns real
language sql immutable as $$ select 15::real $$;

-- By how much the words of a longer text say less, for each power of e that it is longer.
create or replace function long_text_discount() returns real
language sql immutable as $$ select 0.3::real $$;

-- The shortest subject, in characters, that counts when a job's text names it.
-- Chosen: shorter ones are often ordinary words.
create or replace function shortest_name() returns int language sql immutable as $$ select 4 $$;

-- How much a memory's identifiers must say for one about another subject: the job names an error code, but
-- not its service.
create or replace function least_identifiers() returns real
language sql immutable as $$ select 0.5::real $$;

-- The least relevance of a memory, by the way in which it is near to the job. A word that only one memory has
-- says 1; its place in title or body counts, too.
-- Measured: docs/memory-evaluation.md.
create or replace function least_relevance(p_nearness text) returns real
language sql immutable as $$
  select case p_nearness
    when 'key' then 0.5
    when 'own' then 0.55
    when 'named' then 0.6
    when 'mentioned' then 1.0
    when 'identifier' then 1.0
    when 'unnamed' then 1.7
    else 1.35 end::real
$$;

-- How much the nearness of a memory counts beside its relevance.
create or replace function nearness_weight(p_nearness text) returns real
language sql immutable as $$
  select case p_nearness
    when 'key' then 1.5
    when 'own' then 0.3
    when 'named' then 0.5
    when 'mentioned' then 0.5
    else 0 end::real
$$;

-- How many memories of its subjects a job gets whose words say too little.
-- Measured: 6 more of 100 relevant memories stand among the first five than with 2 when others matter
-- (docs/memory-evaluation.md), because a job and the lesson for it often have no word in common.
create or replace function most_key_fills() returns int language sql immutable as $$ select 4 $$;

-- How many memories of its agent a job gets whose words say too little, when it gets others.
create or replace function most_role_fills() returns int language sql immutable as $$ select 1 $$;

-- From which similarity of titles on (0 to 1) a memory about another subject is left out beside one about the
-- job's own: two services often have the same memory with other numbers.
create or replace function alike_of_other_subject() returns real
language sql immutable as $$ select 0.4::real $$;

-- The least part that is left of a memory's score by its age.
create or replace function least_recency() returns real language sql immutable as $$ select 0.7::real $$;

-- After how long the part of a score that age takes away is half gone. Null for kinds that do not age.
-- Chosen: a context is of a season, facts change within half a year, and lessons hold longer.
create or replace function memory_half_life(p_kind text) returns interval
language sql immutable as $$
  select case p_kind
    when 'context' then interval '30 days'
    when 'entity_fact' then interval '180 days'
    when 'decision' then null
    when 'preference' then null
    when 'constraint' then null
    else interval '365 days' end
$$;

-- How many memories are thought of beside those of the namespace, so that a namespace with few memories does
-- not take each word for a rare one.
create or replace function memories_prior() returns int language sql immutable as $$ select 100 $$;

-- In how many memories each word is thought of beside those that have it.
create or replace function word_prior() returns int language sql immutable as $$ select 1 $$;
