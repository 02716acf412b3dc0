import { useEffect, useRef, useState } from 'preact/hooks';
import { useRefusal } from '../../api/session.ts';
import { Choice, Field } from '../../components/field.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { useRoute } from '../../route.ts';
import { Answer } from './answer.tsx';
import { RaceRun } from './race-run.tsx';

const modes = [
  { value: 'ask', label: 'One answer' },
  { value: 'race', label: 'A race' },
] as const;
type Mode = (typeof modes)[number]['value'];

const strategies = [
  { value: 'first', label: 'First' },
  { value: 'best', label: 'Best' },
  { value: 'consensus', label: 'Consensus' },
] as const;
export type Strategy = (typeof strategies)[number]['value'];

const balanced = 0.5;

/** What was asked; a new one at every press of the button. */
interface Asked {
  number: number;
  mode: Mode;
  prompt: string;
  strategy: Strategy;
  /** Null: as the configuration says. */
  tradeOff: number | null;
}

/** A prompt, the decision explained, and the answer as it comes; or a race, lane by lane. */
export function PlaygroundPage() {
  const { query } = useRoute();
  const [mode, setMode] = useState<Mode>(query['mode'] === 'race' ? 'race' : 'ask');
  const [prompt, setPrompt] = useState('');
  const [strategy, setStrategy] = useState<Strategy>('first');
  const [tradeOff, setTradeOff] = useState<number | null>(null);
  const [asked, setAsked] = useState<Asked>();
  const input = useRef<HTMLTextAreaElement>(null);
  const refusal = useRefusal();
  useEffect(() => input.current?.focus(), []);

  function ask(event: Event): void {
    event.preventDefault();
    setAsked((before) => ({ number: (before?.number ?? 0) + 1, mode, prompt, strategy, tradeOff }));
  }

  return (
    <Page
      title="Playground"
      lead="Ask something: see which model is chosen and why, then read its answer. It is a real request: it costs, and it counts."
    >
      <Panel title="Prompt">
        <form class="form" onSubmit={ask}>
          <Field label="What do you want to know?">
            {(attributes) => (
              <textarea
                {...attributes}
                ref={input}
                rows={4}
                required
                value={prompt}
                onInput={(event) => setPrompt(event.currentTarget.value)}
              />
            )}
          </Field>
          <div class="row">
            <Choice label="How many models" value={mode} options={modes} onChange={(chosen) => setMode(chosen)} />
            {mode === 'race' ? (
              <Choice
                label="How the race is decided"
                value={strategy}
                options={strategies}
                onChange={(chosen) => setStrategy(chosen)}
              />
            ) : null}
            <label class="check">
              <input
                type="checkbox"
                checked={tradeOff !== null}
                onChange={(event) => setTradeOff(event.currentTarget.checked ? balanced : null)}
              />
              <span>Weigh quality against cost myself</span>
            </label>
            {tradeOff === null ? null : (
              <label class="row">
                <span>Quality</span>
                <input
                  class="slider"
                  type="range"
                  min="0"
                  max="1"
                  step="0.05"
                  aria-label="From quality (0) to cost (1)"
                  value={tradeOff}
                  onInput={(event) => setTradeOff(event.currentTarget.valueAsNumber)}
                />
                <span>Cost</span>
              </label>
            )}
            <button type="submit" class="primary" disabled={refusal !== undefined}>
              {mode === 'race' ? 'Start the race' : 'Ask'}
            </button>
            {refusal === undefined ? null : <span class="dim">{refusal}</span>}
          </div>
        </form>
      </Panel>
      {asked === undefined ? null : asked.mode === 'ask' ? (
        <Answer key={asked.number} prompt={asked.prompt} tradeOff={asked.tradeOff} />
      ) : (
        <RaceRun key={asked.number} prompt={asked.prompt} strategy={asked.strategy} tradeOff={asked.tradeOff} />
      )}
    </Page>
  );
}
