import type { Evaluation } from '../../../../src/contracts/upgrade-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { percent } from '../../format/numbers.ts';
import { stateWords } from '../../format/words.ts';

export function StateBadge({ evaluation: { state, share, held } }: { evaluation: Evaluation }) {
  const [word, tone] = stateWords[state];
  const isTried = state === 'shadow' || state === 'canary';
  return (
    <>
      <Badge tone={tone}>
        {word}
        {isTried ? `, ${percent(share)}` : ''}
      </Badge>{' '}
      {held ? (
        <Badge tone="warn">
          <Hint term="Held">held</Hint>
        </Badge>
      ) : null}
    </>
  );
}
