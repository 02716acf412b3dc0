import { useState } from 'preact/hooks';
import type { Learning } from '../../../../src/contracts/dashboard.ts';
import { callJson } from '../../api/client.ts';
import { useRefusal } from '../../api/session.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { Panel } from '../../components/page.tsx';
import { ReasonDialog } from '../../components/reason-dialog.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';

type Incident = Learning['incidents'][number];

/** Models that changed without a word; people close what is open. */
export function IncidentPanel({ incidents, onChange }: { incidents: readonly Incident[]; onChange(): void }) {
  const [closing, setClosing] = useState<Incident>();
  const refusal = useRefusal();
  if (incidents.length === 0) return null;
  const columns: ReadonlyArray<Column<Incident>> = [
    { id: 'model', head: 'Model', isRowHead: true, cell: ({ model_id: model }) => model },
    { id: 'complexity', head: <Hint term="Complexity" />, cell: ({ complexity }) => complexity },
    {
      id: 'state',
      head: 'State',
      cell: ({ closed_at: closedAt }) =>
        closedAt === null ? <Badge tone="bad">open</Badge> : <Badge tone="plain">closed</Badge>,
    },
    { id: 'opened', head: 'Opened', cell: ({ opened_at: at }) => <Time at={at} /> },
    { id: 'alarm', head: 'Last alarm', cell: ({ last_alarm_at: at }) => <Time at={at} /> },
    {
      id: 'close',
      head: 'Closed because',
      cell: (incident) =>
        incident.closed_at === null ? (
          <button type="button" disabled={refusal !== undefined} title={refusal} onClick={() => setClosing(incident)}>
            Close …
          </button>
        ) : (
          incident.closed_reason
        ),
    },
  ];
  return (
    <Panel title={<Hint term="Incident">Incidents</Hint>}>
      <Table
        caption="Incidents, open ones first"
        columns={columns}
        rows={incidents}
        rowKey={({ incident_id: id }) => id}
      />
      {closing === undefined ? null : (
        <ReasonDialog
          title={`Close the incident of ${closing.model_id}`}
          confirm="Close it"
          onConfirm={async (reason) => {
            await callJson(`/services/upgrade/incidents/${closing.incident_id}/close`, {
              method: 'POST',
              body: { reason },
            });
            onChange();
          }}
          onClose={() => setClosing(undefined)}
        />
      )}
    </Panel>
  );
}
