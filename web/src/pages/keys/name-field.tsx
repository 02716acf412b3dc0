import { Field } from '../../components/field.tsx';

/** What a key or a team is called. */
export function NameField({ name, onChange }: { name: string; onChange(name: string): void }) {
  return (
    <Field label="Name">
      {(attributes) => (
        <input
          {...attributes}
          required
          maxLength={200}
          value={name}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
