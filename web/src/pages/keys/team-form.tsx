import { useState } from 'preact/hooks';
import type { Team } from '../../../../src/contracts/keys.ts';
import { call } from '../../api/client.ts';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { LimitFields, readLimits, typedLimits } from './limits.tsx';

interface TeamFormProps {
  /** Without it a team is made. */
  edited?: Team;
  onDone(): void;
  onClose(): void;
}

export function TeamForm({ edited, onDone, onClose }: TeamFormProps) {
  const [name, setName] = useState(edited?.name ?? '');
  const [limits, setLimits] = useState(() => typedLimits(edited));

  async function save(): Promise<void> {
    const body = { name, ...readLimits(limits) };
    await (edited === undefined
      ? call('/teams', { method: 'POST', body })
      : call(`/teams/${edited.team_id}`, { method: 'PATCH', body }));
    onDone();
  }

  return (
    <Dialog
      title={edited === undefined ? 'New team' : `Edit “${edited.name}”`}
      confirm={edited === undefined ? 'Make the team' : 'Save'}
      onConfirm={save}
      onClose={onClose}
    >
      <Field label="Name">
        {(attributes) => (
          <input
            {...attributes}
            required
            maxLength={200}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
      </Field>
      <LimitFields limits={limits} onChange={setLimits} />
    </Dialog>
  );
}
