import type { AuditEntry, Author } from '../../../../src/contracts/audit.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { linkTo } from '../../route.ts';
import { Changes } from './changes.tsx';
import type { Filter } from './filters.tsx';
import { credentialWords } from './words.ts';

export function AuditTable({ entries, filter }: { entries: readonly AuditEntry[]; filter: Filter }) {
  const columns: ReadonlyArray<Column<AuditEntry>> = [
    { id: 'time', head: 'Time', isRowHead: true, cell: ({ at }) => <Time at={at} /> },
    { id: 'author', head: <Hint term="Author">By</Hint>, cell: ({ author }) => <AuthorName author={author} /> },
    { id: 'address', head: 'Address', cell: ({ author }) => author.address ?? '–' },
    {
      id: 'action',
      head: 'Action',
      cell: ({ action, outcome }) => (
        <>
          <a href={linkTo(['audit'], { ...filter, action })}>{action}</a>{' '}
          {outcome === 'refused' ? <Badge tone="bad">refused</Badge> : null}
        </>
      ),
    },
    {
      id: 'object',
      head: 'Subject',
      cell: (entry) => (
        <a href={linkTo(['audit'], { ...filter, object: entry.object })} title={entry.object}>
          {nameOf(entry) ?? entry.object}
        </a>
      ),
    },
    { id: 'changes', head: 'What changed', cell: (entry) => <Changes entry={entry} /> },
  ];
  return <Table caption="Entries, the newest first" columns={columns} rows={entries} rowKey={({ seq }) => seq} />;
}

function AuthorName({
  author: { credential, key_name: keyName, key_id: keyId, told_name: toldName },
}: {
  author: Author;
}) {
  return (
    <>
      {credentialWords[credential]}
      {keyName === null ? null : (
        <>
          {' '}
          <b title={keyId ?? undefined}>{keyName}</b>
        </>
      )}
      {toldName === null ? null : <span class="dim"> ({toldName})</span>}
    </>
  );
}

/** What a thing that has an id was called after the change, or before it was deleted. */
function nameOf({ before, after }: AuditEntry): string | undefined {
  const state = after ?? before;
  if (typeof state !== 'object' || state === null || !('name' in state)) return undefined;
  return typeof state.name === 'string' ? state.name : undefined;
}
