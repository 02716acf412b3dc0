-- `withdrawn`: a proposal that was taken back before anything was tried, for what it would have replaced is in use no more.
alter table rollouts drop constraint rollouts_state_check;
alter table rollouts add constraint rollouts_state_check
  check (state in ('proposed', 'shadow', 'canary', 'promoted', 'rolled_back', 'dismissed', 'withdrawn'));

-- The try of the same model before this one; each has its own evidence, log and assignment.
alter table rollouts add column previous_id uuid references rollouts;
-- Of a promotion: the incident for which it is proposed to roll it back; null where it is not.
alter table rollouts add column rollback_incident_id uuid references incidents;

-- An open incident stays as it is while its model is found worse again; this says when that was the last time.
alter table incidents add column last_alarm_at timestamptz not null default now();
update incidents set last_alarm_at = opened_at;
