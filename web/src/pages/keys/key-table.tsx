import type { Key } from '../../../../src/contracts/keys.ts';
import { useRefusal } from '../../api/session.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { count } from '../../format/numbers.ts';
import { Spend } from './spend.tsx';

interface KeyTableProps {
  keys: readonly Key[];
  onEdit(key: Key): void;
  onRevoke(key: Key): void;
}

export function KeyTable({ keys, onEdit, onRevoke }: KeyTableProps) {
  const refusal = useRefusal();
  const columns: ReadonlyArray<Column<Key>> = [
    {
      id: 'name',
      head: 'Key',
      isRowHead: true,
      cell: ({ name, prefix }) => (
        <>
          {name} <code class="dim">{prefix}…</code>
        </>
      ),
    },
    {
      id: 'status',
      head: 'Status',
      cell: ({ status }) => <Badge tone={status === 'active' ? 'good' : 'warn'}>{status}</Badge>,
    },
    { id: 'scope', head: 'Scope', cell: ({ scope }) => scope },
    { id: 'team', head: 'Team', cell: ({ team }) => team?.name ?? '–' },
    { id: 'budget', head: <Hint term="Budget" />, cell: ({ budget }) => <Spend budget={budget} /> },
    { id: 'limits', head: 'A minute', cell: limitsOf },
    { id: 'models', head: 'Models', cell: ({ models }) => models?.join(', ') ?? 'all' },
    { id: 'used', head: 'Last used', cell: ({ last_used_at: at }) => <Time at={at} /> },
    {
      id: 'act',
      head: 'Change',
      cell: (key) => (
        <span class="row nowrap">
          <button
            type="button"
            aria-label={`Edit ${key.name}`}
            disabled={refusal !== undefined}
            onClick={() => onEdit(key)}
          >
            Edit …
          </button>
          <button
            type="button"
            class="danger"
            aria-label={`Revoke ${key.name}`}
            disabled={refusal !== undefined}
            onClick={() => onRevoke(key)}
          >
            Revoke …
          </button>
        </span>
      ),
    },
  ];
  return <Table caption="Keys, the newest first" columns={columns} rows={keys} rowKey={({ key_id: id }) => id} />;
}

export function limitsOf(limited: Pick<Key, 'requests_per_minute' | 'tokens_per_minute'>): string {
  const { requests_per_minute: requests, tokens_per_minute: tokens } = limited;
  const parts = [
    ...(requests === null ? [] : [`${count(requests)} requests`]),
    ...(tokens === null ? [] : [`${count(tokens)} tokens`]),
  ];
  return parts.length === 0 ? 'no limit' : parts.join(', ');
}
