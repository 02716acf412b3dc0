-- Which configuration each instance works with, so that one that lags behind can be seen. Instances of earlier versions
-- say nothing of it.
alter table instances
  add column config_version integer,
  add column config_hash text;
