-- This migration lets an export see without making a note that its text is the same as before
-- (src/main/java/agentbus/vault/Inputs.java).

alter table vault_notes add column input_hash text;
comment on column vault_notes.input_hash is
  'The SHA-256 in hex of all that the text was made of and of content_hash: with the same inputs the text is not made again. Null for a note that each export makes anew, and after an import.';
