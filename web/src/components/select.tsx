import { Field } from './field.tsx';

export type Option = readonly [value: string, label: string];

interface SelectProps {
  label: string;
  /** Empty: all. */
  value: string;
  options: readonly Option[];
  onChange(value: string): void;
}

/** One of many, or all. What is chosen is among the options, even where nobody offers it any more. */
export function Select({ label, value, options, onChange }: SelectProps) {
  const isOffered = value === '' || options.some(([offered]) => offered === value);
  return (
    <Field label={label}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">All</option>
          {[...options, ...(isOffered ? [] : [[value, value] as const])].map(([offered, text]) => (
            <option key={offered} value={offered}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
