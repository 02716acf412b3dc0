import type { RestoredScores } from '../../../../src/contracts/scores-api.ts';
import { callJson } from '../../api/client.ts';
import { Dialog } from '../../components/dialog.tsx';
import { fullTime } from '../../format/times.ts';

/** Where scores are to be put back to: after an update, or before all of them. */
export type RestorePoint = { to: number; at: string } | { to: 'catalogue' };

interface RestoreDialogProps {
  point: RestorePoint;
  onRestored(): void;
  onClose(): void;
}

export function RestoreDialog({ point, onRestored, onClose }: RestoreDialogProps) {
  return (
    <Dialog
      title="Put scores back"
      confirm="Put back"
      isDangerous
      onConfirm={async () => {
        await callJson<RestoredScores>('/scores/restore', { method: 'POST', body: { to: point.to } });
        onRestored();
      }}
      onClose={onClose}
    >
      <p>
        {point.to === 'catalogue'
          ? 'All scores become what the catalogue says.'
          : `All scores become what they were after update ${point.to}, at ${fullTime(point.at)}.`}{' '}
        Every router hears of it at once and chooses by them. Learning goes on from there. This is an update as well, so
        it can be put back too.
      </p>
    </Dialog>
  );
}
