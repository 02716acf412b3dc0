import type { Evaluation } from '../../../../src/contracts/upgrade-api.ts';

/** The way of a rollout and how far it has come. */
export function StageTrack({ evaluation: { state, stage, stages } }: { evaluation: Evaluation }) {
  const names = [
    'proposed',
    'shadow',
    ...Array.from({ length: stages }, (_, index) => `canary ${index + 1}`),
    'promoted',
  ];
  const position =
    state === 'canary' ? 2 + stage : state === 'promoted' ? names.length - 1 : state === 'shadow' ? 1 : 0;
  const hasEnded = state === 'rolled_back' || state === 'dismissed' || state === 'withdrawn';
  return (
    <ol class={hasEnded ? 'stage-track ended' : 'stage-track'} aria-label="Stages">
      {names.map((name, index) => (
        <li
          key={name}
          class={index <= position && !hasEnded ? 'done' : undefined}
          aria-current={index === position && !hasEnded ? 'step' : undefined}
        >
          {name}
        </li>
      ))}
    </ol>
  );
}
