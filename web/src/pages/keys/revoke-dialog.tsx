import type { Key } from '../../../../src/contracts/keys.ts';
import { call } from '../../api/client.ts';
import { Dialog } from '../../components/dialog.tsx';

interface RevokeDialogProps {
  revoked: Key;
  onDone(): void;
  onClose(): void;
}

export function RevokeDialog({ revoked, onDone, onClose }: RevokeDialogProps) {
  return (
    <Dialog
      title={`Revoke “${revoked.name}”`}
      confirm="Revoke for ever"
      isDangerous
      onConfirm={async () => {
        await call(`/keys/${revoked.key_id}`, { method: 'DELETE' });
        onDone();
      }}
      onClose={onClose}
    >
      <p>Clients with this key are refused from now on. It cannot be taken back.</p>
    </Dialog>
  );
}
