import { useState } from 'preact/hooks';
import type { Team } from '../../../../src/contracts/keys.ts';
import { call } from '../../api/client.ts';
import { Dialog } from '../../components/dialog.tsx';
import { LimitFields, readLimits, typedLimits } from './limits.tsx';
import { NameField } from './name-field.tsx';

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
      <NameField name={name} onChange={setName} />
      <LimitFields limits={limits} onChange={setLimits} />
    </Dialog>
  );
}
