-- The seed's three dashboard queries, corrected: success over terminal outcomes, round() on numeric.
create view model_usage_by_instance as
select instance_id, model, count(*) as usage_count
from routing_records
where timestamp > now() - interval '1 day'
group by instance_id, model
order by usage_count desc;

create view model_success_rates as
select
  model_name as model,
  complexity_level,
  round((success_count::numeric / nullif(usage_count, 0)) * 100, 2) as success_rate,
  usage_count
from model_routing_metrics
order by success_rate desc nulls last;

create view model_response_time_trends as
select
  model_name as model,
  complexity_level,
  round(avg(avg_response_time)::numeric, 0) as avg_ms,
  max(avg_response_time) as max_ms
from model_routing_metrics
where avg_response_time is not null
group by model_name, complexity_level
order by avg_ms desc;
