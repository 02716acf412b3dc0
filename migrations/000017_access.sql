-- Scopes and a time of grace of virtual keys, and the log of what administrators do.

-- `call`: what it opened before; `read`: what the services show; `admin`: nearly all that the master key opens.
alter table virtual_keys
  add column scope text not null default 'call' check (scope in ('call', 'read', 'admin')),
  -- SHA-256 of the text before the last rotation, and until when it opens what the new one does.
  add column previous_key_hash bytea check (octet_length(previous_key_hash) = 32),
  add column previous_valid_until timestamptz,
  add check ((previous_key_hash is null) = (previous_valid_until is null));

-- One row for each change that an administrator makes, written in the transaction of the change.
create table audit_log (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  service text not null check (service in ('registry', 'router', 'upgrade', 'central')),
  -- How it was known who asks: a key, `none` where none is needed, or `database` by whoever may connect to it; or the part
  -- of Signalbox that did it by itself.
  credential text not null check (credential in ('none', 'master', 'read', 'key', 'upgrade', 'file', 'database')),
  -- Of a virtual key, as they were at the time.
  key_id uuid,
  key_name text,
  -- Who the client said that it acts for; nobody has checked it.
  told_name text,
  address text,
  action text not null,
  object text not null,
  -- What changed, without secrets; null where there is nothing to tell.
  before jsonb,
  after jsonb,
  outcome text not null check (outcome in ('done', 'refused'))
);
create index audit_log_at on audit_log (at);
create index audit_log_action on audit_log (action, seq);
create index audit_log_object on audit_log (object, seq);

-- Rows are added and stay. `prune_audit_log` alone removes some, and none that is younger than thirty days.
create function keep_audit_log() returns trigger
language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('signalbox.audit_pruning', true) = 'on' then
    if old.at < now() - interval '30 days' then
      return old;
    end if;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_log_rows before update or delete on audit_log for each row execute function keep_audit_log();
create trigger audit_log_truncate before truncate on audit_log for each statement execute function keep_audit_log();

-- Deletes rows older than so many days, thirty at the least; the oldest, `most` of them. Returns how many.
create function prune_audit_log(days integer, most integer) returns bigint
language plpgsql as $$
declare
  pruned bigint;
begin
  -- Set here, and not as a clause of the function: that one only a superuser may write.
  perform set_config('signalbox.audit_pruning', 'on', true);
  with gone as (
    delete from audit_log where seq in (
      select seq from audit_log where at < now() - make_interval(days => greatest(days, 30)) order by at limit most
    ) returning seq
  )
  select count(*) into pruned from gone;
  perform set_config('signalbox.audit_pruning', 'off', true);
  return pruned;
end
$$;
