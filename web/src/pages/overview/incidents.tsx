import type { Overview } from '../../../../src/contracts/dashboard.ts';
import { Hint } from '../../components/hint.tsx';
import { Time } from '../../components/time.tsx';
import { plural } from '../../format/numbers.ts';

export function Incidents({ incidents: { open, newest } }: { incidents: Overview['incidents'] }) {
  if (open === 0) return null;
  return (
    <div class="notice bad" role="status">
      <div>
        <p>
          <b>{plural(open, 'open incident')}</b>: a <Hint term="Incident">model became worse</Hint>.{' '}
          <a href="#/learning">See what changed</a>
        </p>
        <ul>
          {newest.map(({ incident_id: id, model_id: model, complexity, opened_at: openedAt }) => (
            <li key={id}>
              {model}, {complexity} requests, since <Time at={openedAt} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
