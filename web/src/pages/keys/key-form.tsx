import { useState } from 'preact/hooks';
import type { Key, KeyScope, NewKey } from '../../../../src/contracts/keys.ts';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { LimitFields, readLimits, typedLimits } from './limits.tsx';
import { NameField } from './name-field.tsx';

interface KeyFormProps {
  /** Without it a key is made. */
  edited?: Key;
  teams: readonly string[];
  save(key: NewKey): Promise<void>;
  onClose(): void;
}

const scopeWords: Readonly<Record<KeyScope, string>> = {
  call: 'Call: ask models',
  read: 'Read: see what the services show',
  admin: 'Admin: do what the master key may',
};
const keyScopes = ['call', 'read', 'admin'] as const satisfies readonly KeyScope[];

export function KeyForm({ edited, teams, save, onClose }: KeyFormProps) {
  const [name, setName] = useState(edited?.name ?? '');
  const [scope, setScope] = useState<KeyScope>('call');
  const [team, setTeam] = useState(edited?.team?.name ?? '');
  const [models, setModels] = useState(edited?.models?.join(', ') ?? '');
  const [mayExplore, setMayExplore] = useState(edited?.may_explore ?? true);
  const [mayShadow, setMayShadow] = useState(edited?.may_shadow ?? false);
  const [limits, setLimits] = useState(() => typedLimits(edited));

  function typed(): NewKey {
    const names = models.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
    return {
      name,
      ...(edited === undefined ? { scope } : {}),
      team: team === '' ? null : team,
      models: names.length === 0 ? null : names,
      may_explore: mayExplore,
      may_shadow: mayShadow,
      ...readLimits(limits),
    };
  }

  return (
    <Dialog
      title={edited === undefined ? 'New key' : `Edit “${edited.name}”`}
      confirm={edited === undefined ? 'Make the key' : 'Save'}
      onConfirm={() => save(typed())}
      onClose={onClose}
    >
      <div class="form-row">
        <NameField name={name} onChange={setName} />
        <Field label="Team">
          {(attributes) => (
            <select {...attributes} value={team} onChange={(event) => setTeam(event.currentTarget.value)}>
              <option value="">None</option>
              {teams.map((option) => (
                <option key={option} value={option}>
                  {option}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {edited === undefined && (
        <Field label="Scope" help="For good: a key keeps the scope that it was made with.">
          {(attributes) => (
            <select
              {...attributes}
              value={scope}
              onChange={(event) => setScope(keyScopes.find((one) => one === event.currentTarget.value) ?? 'call')}
            >
              {keyScopes.map((option) => (
                <option key={option} value={option}>
                  {scopeWords[option]}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field label="Models" help="Names with commas between; * stands for any text. Empty: all.">
        {(attributes) => (
          <input
            {...attributes}
            placeholder="gpt-*, claude-*"
            value={models}
            onInput={(event) => setModels(event.currentTarget.value)}
          />
        )}
      </Field>
      <LimitFields limits={limits} onChange={setLimits} />
      <label class="check">
        <input type="checkbox" checked={mayExplore} onChange={(event) => setMayExplore(event.currentTarget.checked)} />
        <span>Other models than the best may be tried now and then, to learn</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={mayShadow} onChange={(event) => setMayShadow(event.currentTarget.checked)} />
        <span>Requests may be copied to a new model, to compare</span>
      </label>
    </Dialog>
  );
}
