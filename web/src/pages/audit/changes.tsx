import type { AuditEntry } from '../../../../src/contracts/audit.ts';
import { changedFields, type FieldChange } from '../../../../src/contracts/audit-changes.ts';
import { Time } from '../../components/time.tsx';
import { unknown } from '../../format/numbers.ts';

/** Fields that are seen before the others are unfolded. */
const shownFields = 4;
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** What an entry changed, field by field; of something new what it is. */
export function Changes({ entry: { before, after } }: { entry: AuditEntry }) {
  const changes = changedFields(before, after);
  const isNew = before === null;
  const rest = changes.slice(shownFields);
  return (
    <div class="changes">
      <ChangeList changes={changes.slice(0, shownFields)} isNew={isNew} />
      {rest.length === 0 ? null : (
        <details>
          <summary>{rest.length} more</summary>
          <ChangeList changes={rest} isNew={isNew} />
        </details>
      )}
    </div>
  );
}

function ChangeList({ changes, isNew }: { changes: readonly FieldChange[]; isNew: boolean }) {
  if (changes.length === 0) return null;
  return (
    <ul>
      {changes.map(({ field, before, after }) => (
        <li key={field}>
          <code class="dim">{field}:</code>{' '}
          {isNew ? null : (
            <>
              <Value value={before} /> →{' '}
            </>
          )}
          <Value value={after} />
        </li>
      ))}
    </ul>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === undefined) return <>{unknown}</>;
  if (typeof value === 'string') return isoTime.test(value) ? <Time at={value} /> : <>{value === '' ? '“”' : value}</>;
  const isPlainList = Array.isArray(value) && value.every((element) => typeof element === 'string');
  return <>{isPlainList ? value.join(', ') || 'none' : JSON.stringify(value)}</>;
}
