-- A drill with an export of its own passes without an RPO: such an export is always new, so a row with the
-- RPO 0 would say nothing about the age of the backups.

alter table restore_drills drop constraint restore_drills_check1;
alter table restore_drills
  add constraint restore_drills_good_has_rto check (not ok or rto_seconds is not null);
comment on column restore_drills.rpo_seconds is
  'How old the export was when the drill began: work of this time would be lost. Null when the export could not be read, or was made for the drill.';
