import { useState } from 'preact/hooks';
import { ApiError, call } from '../../api/client.ts';
import { useRefusal } from '../../api/session.ts';
import { percent } from '../../format/numbers.ts';

interface FeedbackButtonsProps {
  decisionId: string;
  /** In [0, 1]; null where none was given. */
  given: number | null;
  /** It was accepted; a moment later it counts. */
  onSent(score: number): void;
}

export function FeedbackButtons({ decisionId, given, onSent }: FeedbackButtonsProps) {
  const [said, setSaid] = useState('');
  const refusal = useRefusal();

  async function give(score: 0 | 1): Promise<void> {
    try {
      await call('/services/router/feedback', { method: 'POST', body: { decision_id: decisionId, score } });
      setSaid('Thank you. It counts in a moment.');
      onSent(score);
    } catch (error) {
      setSaid(`Not sent: ${error instanceof ApiError ? error.message : 'unknown error'}.`);
    }
  }

  return (
    <div class="row">
      <button type="button" disabled={refusal !== undefined} onClick={() => void give(1)}>
        Good answer
      </button>
      <button type="button" disabled={refusal !== undefined} onClick={() => void give(0)}>
        Bad answer
      </button>
      <span>{given === null ? 'No feedback yet.' : `Feedback: ${percent(given)} good.`}</span>
      <span class="dim" role="status">
        {refusal ?? said}
      </span>
    </div>
  );
}
