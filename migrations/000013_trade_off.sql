-- From quality (0) to cost (1), for requests of the key that bring no number of their own; null: as the configuration says.
alter table virtual_keys add column cost_quality_tradeoff double precision check (cost_quality_tradeoff between 0 and 1);
