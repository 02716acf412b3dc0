import type { DashboardModel } from '../../../../src/contracts/dashboard.ts';
import type { RecordOutcome } from '../../../../src/contracts/event.ts';
import type { Complexity } from '../../../../src/contracts/query-class.ts';
import { Field } from '../../components/field.tsx';
import { outcomeWords } from '../../format/words.ts';
import { linkTo } from '../../route.ts';

export const filterNames = ['model', 'provider', 'complexity', 'outcome', 'instance_id'] as const;
export type FilterName = (typeof filterNames)[number];
/** An empty text does not filter. */
export type Filter = Partial<Record<FilterName, string>>;

const complexities: readonly Complexity[] = ['simple', 'medium', 'complex'];
const outcomes = Object.entries(outcomeWords) as ReadonlyArray<[RecordOutcome, readonly [string, unknown]]>;

interface FiltersProps {
  filter: Filter;
  models: readonly DashboardModel[];
}

/** What narrows the log; a choice is a new address, so that it can be kept and sent. */
export function Filters({ filter, models }: FiltersProps) {
  const choose = (name: FilterName) => (event: Event & { currentTarget: HTMLSelectElement | HTMLInputElement }) => {
    location.hash = linkTo(['decisions'], { ...filter, [name]: event.currentTarget.value.trim() });
  };
  const select = (label: string, name: FilterName, options: ReadonlyArray<readonly [value: string, label: string]>) => (
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
  return (
    <div class="filters" role="search" aria-label="Decisions">
      {select('Model', 'model', same(models.map(({ model_id: model }) => model)))}
      {select('Provider', 'provider', same(models.map(({ provider }) => provider)))}
      {select('Complexity', 'complexity', same(complexities))}
      {select(
        'Outcome',
        'outcome',
        outcomes.map(([value, [label]]) => [value, label]),
      )}
      <Field label="Instance">
        {(attributes) => (
          <input {...attributes} value={filter.instance_id} placeholder="All" onChange={choose('instance_id')} />
        )}
      </Field>
    </div>
  );
}

function same(names: readonly string[]): Array<[string, string]> {
  return [...new Set(names)].sort((a, b) => a.localeCompare(b)).map((name) => [name, name]);
}

/** What is chosen is among the options, even where nobody offers it any more. */
function withCurrent(
  options: ReadonlyArray<readonly [string, string]>,
  current: string | undefined,
): ReadonlyArray<readonly [string, string]> {
  if (current === undefined || current === '' || options.some(([value]) => value === current)) return options;
  return [...options, [current, current]];
}
