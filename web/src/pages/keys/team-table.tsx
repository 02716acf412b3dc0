import type { Team } from '../../../../src/contracts/keys.ts';
import { useRefusal } from '../../api/session.ts';
import { Hint } from '../../components/hint.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { count } from '../../format/numbers.ts';
import { limitsOf } from './key-table.tsx';
import { Spend } from './spend.tsx';

export function TeamTable({ teams, onEdit }: { teams: readonly Team[]; onEdit(team: Team): void }) {
  const refusal = useRefusal();
  const columns: ReadonlyArray<Column<Team>> = [
    { id: 'name', head: 'Team', isRowHead: true, cell: ({ name }) => name },
    { id: 'keys', head: 'Keys', isNumber: true, cell: ({ keys }) => count(keys) },
    { id: 'budget', head: <Hint term="Budget" />, cell: ({ budget }) => <Spend budget={budget} /> },
    { id: 'limits', head: 'A minute', cell: limitsOf },
    {
      id: 'act',
      head: 'Change',
      cell: (team) => (
        <button
          type="button"
          aria-label={`Edit ${team.name}`}
          disabled={refusal !== undefined}
          onClick={() => onEdit(team)}
        >
          Edit …
        </button>
      ),
    },
  ];
  return <Table caption="Teams by name" columns={columns} rows={teams} rowKey={({ team_id: id }) => id} />;
}
