-- Scrambles what is logged of prompts; drawn once for each installation.
create table feature_salt (
  salt uuid not null default gen_random_uuid(),
  only_one boolean primary key default true check (only_one)
);
insert into feature_salt default values;

-- What was learned of prompts and models; the newest that is not retired serves.
create sequence predictor_versions;
create table predictors (
  version bigint primary key,
  created_at timestamptz not null default now(),
  content bytea not null,
  -- Outcomes that it was trained on, and those that the fleet had counted by then.
  examples integer not null,
  outcomes_before bigint not null,
  retired_at timestamptz,
  retired_reason text
);

-- How automatic choices turned out with a predictor and, for a share of them, without: `none` where there was no predictor.
create table predictor_tallies (
  version bigint not null,
  arm text not null check (arm in ('used', 'held_out', 'none')),
  requests bigint not null,
  bad bigint not null,
  primary key (version, arm)
);

alter table routing_records add column features_key text, add column predictor_version integer,
  add column predictor_arm text;
