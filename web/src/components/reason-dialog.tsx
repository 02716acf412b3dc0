import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';

const longestReason = 1000;

interface ReasonDialogProps {
  title: string;
  confirm: string;
  isDangerous?: boolean;
  onConfirm(reason: string): Promise<void>;
  onClose(): void;
  children?: ComponentChildren;
}

/** Asks for the reason of a step; it is kept in the log. */
export function ReasonDialog({ onConfirm, children, ...rest }: ReasonDialogProps) {
  const [reason, setReason] = useState('');
  return (
    <Dialog {...rest} onConfirm={() => onConfirm(reason.trim())}>
      {children}
      <Field label="Reason" help="It is kept in the log for whoever asks later.">
        {(attributes) => (
          <input
            {...attributes}
            required
            pattern=".*\S.*"
            maxLength={longestReason}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Field>
    </Dialog>
  );
}
