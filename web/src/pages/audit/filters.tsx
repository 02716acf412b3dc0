import { Field } from '../../components/field.tsx';
import { Select } from '../../components/select.tsx';
import { linkTo } from '../../route.ts';
import { actionGroups } from './words.ts';

const filterNames = ['action', 'object', 'from', 'to'] as const;
type FilterName = (typeof filterNames)[number];
/** As in the address; an empty text does not filter. `from` and `to` are days, both included. */
export type Filter = Record<FilterName, string>;

export function readFilter(query: Readonly<Record<string, string>>): Filter {
  return Object.fromEntries(filterNames.map((name) => [name, query[name] ?? ''])) as Filter;
}

/** What narrows the log; a choice is a new address, so that it can be kept and sent. */
export function Filters({ filter }: { filter: Filter }) {
  const choose = (name: FilterName) => (value: string) => {
    location.hash = linkTo(['audit'], { ...filter, [name]: value.trim() });
  };
  const day = (label: string, name: FilterName) => (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          type="date"
          value={filter[name]}
          onChange={(event) => choose(name)(event.currentTarget.value)}
        />
      )}
    </Field>
  );
  return (
    <div class="filters" role="search" aria-label="Audit log">
      <Select label="Action" value={filter.action} options={actionGroups} onChange={choose('action')} />
      <Field label="Subject" help="Its id, or provider/model.">
        {(attributes) => (
          <input
            {...attributes}
            placeholder="All"
            value={filter.object}
            onChange={(event) => choose('object')(event.currentTarget.value)}
          />
        )}
      </Field>
      {day('First day', 'from')}
      {day('Last day', 'to')}
    </div>
  );
}
