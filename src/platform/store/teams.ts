import type { Team } from '../../contracts/keys.ts';
import type { Executor } from '../postgres/pool.ts';
import { limitColumns, limitJoins, type LimitsRow, toLimits } from './limits.ts';

interface TeamRow extends LimitsRow {
  team_id: string;
  name: string;
  keys: number;
  created_at: Date;
}

const select = `select t.team_id, t.name, t.created_at,
    (select count(*) from virtual_keys k where k.team_id = t.team_id and k.revoked_at is null)::integer as keys,
    ${limitColumns}
  from teams t ${limitJoins('team', 't')}`;

function toTeam(row: TeamRow): Team {
  return {
    team_id: row.team_id,
    name: row.name,
    keys: row.keys,
    ...toLimits(row),
    created_at: row.created_at.toISOString(),
  };
}

/** By name; at most `limit`. */
export async function listTeams(db: Executor, limit: number): Promise<Team[]> {
  const { rows } = await db.query<TeamRow>(`${select} order by t.name limit $1`, [limit]);
  return rows.map(toTeam);
}

/** `nameOrId` is a name or an id; a name wins. */
export async function findTeam(db: Executor, nameOrId: string): Promise<Team | undefined> {
  const { rows } = await db.query<TeamRow>(
    `${select} where t.name = $1 or t.team_id::text = $1 order by t.name = $1 desc limit 1`,
    [nameOrId],
  );
  return rows[0] === undefined ? undefined : toTeam(rows[0]);
}

/** Waits for whoever changes the team, and keeps others from it until the end of the transaction. */
export async function lockTeam(db: Executor, nameOrId: string): Promise<void> {
  await db.query('select from teams where name = $1 or team_id::text = $1 order by team_id for no key update', [
    nameOrId,
  ]);
}

/** False when the name is taken. */
export async function insertTeam(db: Executor, teamId: string, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'insert into teams (team_id, name) values ($1, $2) on conflict (name) do nothing',
    [teamId, name],
  );
  return rowCount === 1;
}

/** False when another team has the name. */
export async function renameTeam(db: Executor, teamId: string, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update teams set name = $2
     where team_id = $1 and not exists (select from teams other where other.name = $2 and other.team_id <> $1)`,
    [teamId, name],
  );
  return rowCount === 1;
}

/** Deletes a team without keys that are in use, and what limits it. False when it has such keys. In a transaction. */
export async function deleteTeam(db: Executor, teamId: string): Promise<boolean> {
  // Waits for keys that are being put into it: the next statement sees them.
  await db.query('select from teams where team_id = $1 for update', [teamId]);
  const { rowCount } = await db.query(
    `delete from teams where team_id = $1
       and not exists (select from virtual_keys where team_id = $1 and revoked_at is null)`,
    [teamId],
  );
  return rowCount === 1;
}
