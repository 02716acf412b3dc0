import {
  type Key,
  type KeyPatch,
  keysChannel,
  type KeyWithSecret,
  type NewKey,
  type NewTeam,
  type Team,
  type TeamPatch,
} from '../../contracts/keys.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { uuidv7 } from '../../platform/core/ids.ts';
import { notify } from '../../platform/postgres/notify.ts';
import { type Executor, type Pool, type PoolClient, withTransaction } from '../../platform/postgres/pool.ts';
import { createKeyText } from '../../platform/security/virtual-key.ts';
import { setLimits } from '../../platform/store/limits.ts';
import { deleteTeam, findTeam, insertTeam, renameTeam } from '../../platform/store/teams.ts';
import { findKey, insertKey, replaceKeyText, revokeKey, updateKey } from '../../platform/store/virtual-keys.ts';

/**
 * What operators do with keys and teams. Each is one transaction, and every router hears of it when it commits.
 *
 * All throw a SignalboxError: `not_found` for a key or team that there is not, `conflict` for a name that is taken.
 */
export interface KeyEditor {
  createKey(key: NewKey): Promise<KeyWithSecret>;
  updateKey(keyId: string, patch: KeyPatch): Promise<Key>;
  /** Gives the key a new text; the old one is refused from now on. `conflict` where it was revoked. */
  rotateKey(keyId: string): Promise<KeyWithSecret>;
  revokeKey(keyId: string): Promise<Key>;
  createTeam(team: NewTeam): Promise<Team>;
  updateTeam(nameOrId: string, patch: TeamPatch): Promise<Team>;
  /** `conflict` where the team has keys that are not revoked. */
  deleteTeam(nameOrId: string): Promise<Team>;
}

export function createKeyEditor(pool: Pool): KeyEditor {
  function edit<T>(change: (db: PoolClient) => Promise<T>): Promise<T> {
    return withTransaction(pool, async (db) => {
      const value = await change(db);
      await notify(db, keysChannel, '');
      return value;
    });
  }

  return {
    createKey: (key) =>
      edit(async (db) => {
        const keyId = uuidv7();
        const { key: text, stored } = createKeyText();
        await insertKey(db, {
          keyId,
          name: key.name,
          text: stored,
          teamId: key.team == null ? null : (await teamOf(db, key.team)).team_id,
          allowedModels: key.models ?? null,
          mayExplore: key.may_explore ?? true,
          mayShadow: key.may_shadow ?? false,
          costQualityTradeoff: key.cost_quality_tradeoff ?? null,
          expiresAt: key.expires_at ?? null,
        });
        await setLimits(db, { scope: 'key', id: keyId }, key);
        return { ...(await keyOf(db, keyId)), key: text };
      }),
    updateKey: (keyId, patch) =>
      edit(async (db) => {
        const { name, team } = patch;
        const changes = {
          name,
          teamId: team == null ? team : (await teamOf(db, team)).team_id,
          allowedModels: patch.models,
          mayExplore: patch.may_explore,
          mayShadow: patch.may_shadow,
          costQualityTradeoff: patch.cost_quality_tradeoff,
          expiresAt: patch.expires_at,
        };
        if (!(await updateKey(db, keyId, changes))) throw noKey(keyId);
        await setLimits(db, { scope: 'key', id: keyId }, patch);
        return keyOf(db, keyId);
      }),
    rotateKey: (keyId) =>
      edit(async (db) => {
        await keyOf(db, keyId);
        const { key: text, stored } = createKeyText();
        if (!(await replaceKeyText(db, keyId, stored))) {
          throw new SignalboxError('conflict', `the key ${keyId} was revoked; create a new one`);
        }
        return { ...(await keyOf(db, keyId)), key: text };
      }),
    revokeKey: (keyId) =>
      edit(async (db) => {
        if (!(await revokeKey(db, keyId))) throw noKey(keyId);
        return keyOf(db, keyId);
      }),
    createTeam: (team) =>
      edit(async (db) => {
        const teamId = uuidv7();
        if (!(await insertTeam(db, teamId, team.name))) throw teamExists(team.name);
        await setLimits(db, { scope: 'team', id: teamId }, team);
        return teamOf(db, teamId);
      }),
    updateTeam: (nameOrId, patch) =>
      edit(async (db) => {
        const { team_id: teamId } = await teamOf(db, nameOrId);
        if (patch.name !== undefined && !(await renameTeam(db, teamId, patch.name))) throw teamExists(patch.name);
        await setLimits(db, { scope: 'team', id: teamId }, patch);
        return teamOf(db, teamId);
      }),
    deleteTeam: (nameOrId) =>
      edit(async (db) => {
        const team = await teamOf(db, nameOrId);
        if (!(await deleteTeam(db, team.team_id))) {
          throw new SignalboxError('conflict', `the team ${team.name} has keys; revoke them or move them first`);
        }
        return team;
      }),
  };
}

/** @throws SignalboxError `not_found`. */
export async function keyOf(db: Executor, keyId: string): Promise<Key> {
  const key = await findKey(db, keyId);
  if (key === undefined) throw noKey(keyId);
  return key;
}

/** @throws SignalboxError `not_found`. */
export async function teamOf(db: Executor, nameOrId: string): Promise<Team> {
  const team = await findTeam(db, nameOrId);
  if (team === undefined) throw new SignalboxError('not_found', `no team ${nameOrId}`);
  return team;
}

const noKey = (keyId: string): SignalboxError => new SignalboxError('not_found', `no key ${keyId}`, { param: 'id' });

const teamExists = (name: string): SignalboxError =>
  new SignalboxError('conflict', `there is a team ${name} already`, { param: 'name' });
