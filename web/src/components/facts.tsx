import type { ComponentChildren } from 'preact';

export interface Fact {
  label: ComponentChildren;
  value: ComponentChildren;
  /** Smaller, beneath the value. */
  note?: ComponentChildren;
  /** Unique among its neighbours; needed where the label is no text. */
  id?: string;
}

/** The few great numbers of a view. */
export function Stats({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="stats">
      {facts.map(({ id, label, value, note }) => (
        <div key={id ?? label} class="stat">
          <dt>{label}</dt>
          <dd>
            <span class="stat-value">{value}</span>
            {note === undefined ? null : <span class="stat-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Names and values, one a line. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ id, label, value, note }) => (
        <div key={id ?? label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {note === undefined ? null : <span class="dim"> {note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
