import { useCallback, useState } from 'preact/hooks';
import type { Key, KeyPage, KeyWithSecret, Team, TeamList } from '../../../../src/contracts/keys.ts';
import { call, callJson } from '../../api/client.ts';
import { useChanges } from '../../api/live.ts';
import { useRefusal } from '../../api/session.ts';
import { useQuery } from '../../api/use-query.ts';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { KeyForm } from './key-form.tsx';
import { KeyTable } from './key-table.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';
import { ShownOnce } from './shown-once.tsx';
import { TeamForm } from './team-form.tsx';
import { TeamTable } from './team-table.tsx';

const everyMs = 10_000;

/** What is being done on this view. */
type Task =
  | { kind: 'new key' }
  | { kind: 'edit key'; key: Key }
  | { kind: 'revoke'; key: Key }
  | { kind: 'new team' }
  | { kind: 'edit team'; team: Team };

/** Who may ask, for which models, and how much. */
export function KeysPage() {
  const keys = useQuery<KeyPage>('/keys', everyMs);
  const teams = useQuery<TeamList>('/teams', everyMs);
  const [task, setTask] = useState<Task>();
  const [made, setMade] = useState<KeyWithSecret>();
  const refusal = useRefusal();
  const refresh = useCallback(() => {
    keys.refresh();
    teams.refresh();
  }, [keys.refresh, teams.refresh]);
  useChanges(['keys'], refresh);
  const close = () => setTask(undefined);
  const teamNames = teams.data?.teams.map(({ name }) => name) ?? [];

  return (
    <Page
      title="Keys and budgets"
      lead="Keys open the router to clients, as far as their limits allow. Limits hold for all routers together."
      actions={
        <>
          <button
            type="button"
            disabled={refusal !== undefined}
            title={refusal}
            onClick={() => setTask({ kind: 'new team' })}
          >
            New team …
          </button>
          <button
            type="button"
            class="primary"
            disabled={refusal !== undefined}
            title={refusal}
            onClick={() => setTask({ kind: 'new key' })}
          >
            New key …
          </button>
        </>
      }
    >
      {refusal === undefined ? null : <p class="dim">{refusal}</p>}
      {made === undefined ? null : <ShownOnce made={made} onClose={() => setMade(undefined)} />}
      <Panel
        title="Keys"
        note={keys.data?.next == null ? undefined : `The newest ${keys.data.keys.length}. All: signalbox keys list`}
      >
        <Loaded query={keys} what="keys">
          {({ keys: rows }) =>
            rows.length === 0 ? (
              <Empty title="No key was made yet">
                <p>
                  Without a master key anybody on this machine may ask; with a key one knows who does, and how much.
                </p>
              </Empty>
            ) : (
              <KeyTable
                keys={rows}
                onEdit={(key) => setTask({ kind: 'edit key', key })}
                onRevoke={(key) => setTask({ kind: 'revoke', key })}
              />
            )
          }
        </Loaded>
      </Panel>
      <Panel
        title="Teams"
        note={`The limits of a team hold for all its keys together.${teams.data?.has_more === true ? ' There are more than these.' : ''}`}
      >
        <Loaded query={teams} what="teams">
          {({ teams: rows }) =>
            rows.length === 0 ? (
              <Empty title="No team was made yet" />
            ) : (
              <TeamTable teams={rows} onEdit={(team) => setTask({ kind: 'edit team', team })} />
            )
          }
        </Loaded>
      </Panel>
      {task?.kind === 'new key' ? (
        <KeyForm
          teams={teamNames}
          save={async (body) => {
            setMade(await callJson<KeyWithSecret>('/keys', { method: 'POST', body }));
            refresh();
          }}
          onClose={close}
        />
      ) : null}
      {task?.kind === 'edit key' ? (
        <KeyForm
          edited={task.key}
          teams={teamNames}
          save={async (body) => {
            await call(`/keys/${task.key.key_id}`, { method: 'PATCH', body });
            refresh();
          }}
          onClose={close}
        />
      ) : null}
      {task?.kind === 'revoke' ? <RevokeDialog revoked={task.key} onDone={refresh} onClose={close} /> : null}
      {task?.kind === 'new team' ? <TeamForm onDone={refresh} onClose={close} /> : null}
      {task?.kind === 'edit team' ? <TeamForm edited={task.team} onDone={refresh} onClose={close} /> : null}
    </Page>
  );
}
