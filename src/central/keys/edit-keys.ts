import type { Author } from '../../contracts/audit.ts';
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
import { appendAudit } from '../../platform/store/audit-log.ts';
import { setLimits } from '../../platform/store/limits.ts';
import { deleteTeam, findTeam, insertTeam, renameTeam } from '../../platform/store/teams.ts';
import {
  findKey,
  insertKey,
  lockKey,
  replaceKeyText,
  revokeKey,
  updateKey,
} from '../../platform/store/virtual-keys.ts';
import { keyForAudit, teamForAudit } from './audit-views.ts';

/**
 * What operators do with keys and teams. Each is one transaction with its row in the audit log, and every router hears of
 * it when it commits.
 *
 * All throw a SignalboxError: `not_found` for a key or team that there is not, `conflict` for a name that is taken,
 * `forbidden` where somebody with a key of the scope `admin` would make another, or change or rotate one that is not his:
 * then no such key could ever be taken back for good.
 */
export interface KeyEditor {
  createKey(key: NewKey, author: Author): Promise<KeyWithSecret>;
  updateKey(keyId: string, patch: KeyPatch, author: Author): Promise<Key>;
  /** Gives the key a new text; the old one is good for `graceSeconds` more. `conflict` where the key was revoked. */
  rotateKey(keyId: string, graceSeconds: number, author: Author): Promise<KeyWithSecret>;
  revokeKey(keyId: string, author: Author): Promise<Key>;
  createTeam(team: NewTeam, author: Author): Promise<Team>;
  updateTeam(nameOrId: string, patch: TeamPatch, author: Author): Promise<Team>;
  /** `conflict` where the team has keys that are not revoked. */
  deleteTeam(nameOrId: string, author: Author): Promise<Team>;
}

export function createKeyEditor(pool: Pool): KeyEditor {
  function edit<T>(change: (db: PoolClient) => Promise<T>): Promise<T> {
    return withTransaction(pool, async (db) => {
      const value = await change(db);
      await notify(db, keysChannel, '');
      return value;
    });
  }

  /** A change of one key. One that gives back what was before has changed nothing, and leaves no row in the audit log. */
  function editKey<T extends Key>(
    keyId: string,
    action: string,
    author: Author,
    change: (db: PoolClient, before: Key) => Promise<T>,
  ): Promise<T> {
    return edit(async (db) => {
      await lockKey(db, keyId);
      const before = await keyOf(db, keyId);
      const after = await change(db, before);
      if (after !== before) await auditKey(db, action, author, before, after);
      return after;
    });
  }

  return {
    createKey: (key, author) =>
      edit(async (db) => {
        if (key.scope === 'admin' && author.credential === 'key') throw masterOnly('make');
        const keyId = uuidv7();
        const { key: text, stored } = createKeyText();
        await insertKey(db, {
          keyId,
          name: key.name,
          scope: key.scope,
          text: stored,
          teamId: key.team == null ? null : (await teamOf(db, key.team)).team_id,
          allowedModels: key.models ?? null,
          mayExplore: key.may_explore ?? true,
          mayShadow: key.may_shadow ?? false,
          costQualityTradeoff: key.cost_quality_tradeoff ?? null,
          expiresAt: key.expires_at ?? null,
        });
        await setLimits(db, { scope: 'key', id: keyId }, key);
        const made = await keyOf(db, keyId);
        await auditKey(db, 'key.create', author, null, made);
        return { ...made, key: text };
      }),
    updateKey: (keyId, patch, author) =>
      editKey(keyId, 'key.update', author, async (db, before) => {
        if (before.scope === 'admin' && author.credential === 'key') throw masterOnly('change');
        const { name, team } = patch;
        await updateKey(db, keyId, {
          name,
          teamId: team == null ? team : (await teamOf(db, team)).team_id,
          allowedModels: patch.models,
          mayExplore: patch.may_explore,
          mayShadow: patch.may_shadow,
          costQualityTradeoff: patch.cost_quality_tradeoff,
          expiresAt: patch.expires_at,
        });
        await setLimits(db, { scope: 'key', id: keyId }, patch);
        return keyOf(db, keyId);
      }),
    rotateKey: (keyId, graceSeconds, author) =>
      editKey(keyId, 'key.rotate', author, async (db, before) => {
        const isOwn = author.key_id === keyId;
        if (before.scope === 'admin' && author.credential === 'key' && !isOwn) throw masterOnly('rotate');
        const { key: text, stored } = createKeyText();
        if (!(await replaceKeyText(db, keyId, stored, graceSeconds))) {
          throw new SignalboxError('conflict', `the key ${keyId} was revoked; create a new one`);
        }
        return { ...(await keyOf(db, keyId)), key: text };
      }),
    revokeKey: (keyId, author) =>
      editKey(keyId, 'key.revoke', author, async (db, before) => {
        if (before.status === 'revoked') return before;
        await revokeKey(db, keyId);
        return keyOf(db, keyId);
      }),
    createTeam: (team, author) =>
      edit(async (db) => {
        const teamId = uuidv7();
        if (!(await insertTeam(db, teamId, team.name))) throw teamExists(team.name);
        await setLimits(db, { scope: 'team', id: teamId }, team);
        const made = await teamOf(db, teamId);
        await auditTeam(db, 'team.create', author, null, made);
        return made;
      }),
    updateTeam: (nameOrId, patch, author) =>
      edit(async (db) => {
        const before = await teamOf(db, nameOrId);
        const { team_id: teamId } = before;
        if (patch.name !== undefined && !(await renameTeam(db, teamId, patch.name))) throw teamExists(patch.name);
        await setLimits(db, { scope: 'team', id: teamId }, patch);
        const after = await teamOf(db, teamId);
        await auditTeam(db, 'team.update', author, before, after);
        return after;
      }),
    deleteTeam: (nameOrId, author) =>
      edit(async (db) => {
        const team = await teamOf(db, nameOrId);
        if (!(await deleteTeam(db, team.team_id))) {
          throw new SignalboxError('conflict', `the team ${team.name} has keys; revoke them or move them first`);
        }
        await auditTeam(db, 'team.delete', author, team, null);
        return team;
      }),
  };
}

function auditKey(db: PoolClient, action: string, author: Author, before: Key | null, after: Key): Promise<void> {
  return appendAudit(db, {
    service: 'central',
    author,
    action,
    object: after.key_id,
    before: before === null ? null : keyForAudit(before),
    after: keyForAudit(after),
  });
}

function auditTeam(db: PoolClient, action: string, author: Author, before: Team | null, after: Team | null) {
  return appendAudit(db, {
    service: 'central',
    author,
    action,
    object: (before ?? after)?.team_id ?? '',
    before: before === null ? null : teamForAudit(before),
    after: after === null ? null : teamForAudit(after),
  });
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

const masterOnly = (what: string): SignalboxError =>
  new SignalboxError('forbidden', `only the master key may ${what} a key of the scope admin`);
