import type { DashboardModel } from '../../../../src/contracts/dashboard.ts';
import { Field } from '../../components/field.tsx';
import { type Option, Select } from '../../components/select.tsx';
import { originWords, outcomeWords } from '../../format/words.ts';
import { linkTo } from '../../route.ts';

export const filterNames = [
  'model',
  'provider',
  'complexity',
  'query_type',
  'outcome',
  'origin',
  'min_latency_ms',
  'min_cost_usd',
  'instance_id',
] as const;
export type FilterName = (typeof filterNames)[number];
/** As in the address; an empty text does not filter. */
export type Filter = Record<FilterName, string>;

export function readFilter(query: Readonly<Record<string, string>>): Filter {
  return Object.fromEntries(filterNames.map((name) => [name, query[name] ?? ''])) as Filter;
}

const complexities = same(['simple', 'medium', 'complex']);
const queryTypes = same(['simple', 'technical', 'research', 'multimedia']);
const outcomes = Object.entries(outcomeWords).map(([value, [label]]): Option => [value, label]);
const origins = Object.entries(originWords).flatMap(([value, label]): Option[] =>
  value === 'feedback' ? [] : [[value, `${value}: ${label}`]],
);

interface FiltersProps {
  filter: Filter;
  models: readonly DashboardModel[];
}

/** What narrows the log; a choice is a new address, so that it can be kept and sent. */
export function Filters({ filter, models }: FiltersProps) {
  const choose = (name: FilterName) => (value: string) => {
    location.hash = linkTo(['decisions'], { ...filter, [name]: value.trim() });
  };
  const select = (label: string, name: FilterName, options: readonly Option[]) => (
    <Select label={label} value={filter[name]} options={options} onChange={choose(name)} />
  );
  const input = (label: string, name: FilterName, inputMode: 'text' | 'decimal') => (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          inputMode={inputMode}
          placeholder="All"
          value={filter[name]}
          onChange={(event) => choose(name)(event.currentTarget.value)}
        />
      )}
    </Field>
  );
  return (
    <div class="filters" role="search" aria-label="Decisions">
      {select('Model', 'model', same(models.map(({ model_id: model }) => model)))}
      {select('Provider', 'provider', same(models.map(({ provider }) => provider)))}
      {select('Complexity', 'complexity', complexities)}
      {select('Type', 'query_type', queryTypes)}
      {select('Outcome', 'outcome', outcomes)}
      {select('Origin', 'origin', origins)}
      {input('Slower than, ms', 'min_latency_ms', 'decimal')}
      {input('Dearer than, USD', 'min_cost_usd', 'decimal')}
      {input('Instance', 'instance_id', 'text')}
    </div>
  );
}

function same(names: readonly string[]): Option[] {
  return [...new Set(names)].sort((a, b) => a.localeCompare(b)).map((name) => [name, name]);
}
