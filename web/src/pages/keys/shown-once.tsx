import type { KeyWithSecret } from '../../../../src/contracts/keys.ts';
import { Copyable } from '../../components/copy.tsx';

/** A new key. Nobody can show it again: only its hash is stored. */
export function ShownOnce({ made, onClose }: { made: KeyWithSecret; onClose(): void }) {
  return (
    <div class="notice warn" role="status">
      <div class="stack grow">
        <p>
          <b>The key “{made.name}”.</b> Copy it now: it is shown this once.
        </p>
        <Copyable label="The new key" text={made.key} />
      </div>
      <button type="button" onClick={onClose}>
        I have it
      </button>
    </div>
  );
}
