import type { DashboardModel } from '../../../../src/contracts/dashboard.ts';
import { Field } from '../../components/field.tsx';
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

type Option = readonly [value: string, label: string];

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
  const choose = (name: FilterName) => (event: Event & { currentTarget: HTMLSelectElement | HTMLInputElement }) => {
    location.hash = linkTo(['decisions'], { ...filter, [name]: event.currentTarget.value.trim() });
  };
  const select = (label: string, name: FilterName, options: readonly Option[]) => (
    <Field label={label}>
      {(attributes) => (
        <select {...attributes} value={filter[name]} onChange={choose(name)}>
          <option value="">All</option>
          {withCurrent(options, filter[name]).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  const input = (label: string, name: FilterName, inputMode: 'text' | 'decimal') => (
    <Field label={label}>
      {(attributes) => (
        <input {...attributes} inputMode={inputMode} placeholder="All" value={filter[name]} onChange={choose(name)} />
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

/** What is chosen is among the options, even where nobody offers it any more. */
function withCurrent(options: readonly Option[], current: string): readonly Option[] {
  if (current === '' || options.some(([value]) => value === current)) return options;
  return [...options, [current, current]];
}
