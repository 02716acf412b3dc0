import { useEffect, useRef, useState } from 'preact/hooks';
import type { RouteResponse } from '../../../../src/contracts/decision.ts';
import { Facts } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Failure } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { milliseconds, percent, usd } from '../../format/numbers.ts';
import { linkTo } from '../../route.ts';
import { ExplanationView } from '../decisions/explanation.tsx';
import { FeedbackButtons } from '../decisions/feedback.tsx';
import { type Answerer, ask, explain } from './ask.ts';

interface Progress {
  decision?: RouteResponse;
  answerer?: Answerer;
  text: string;
  firstMs?: number;
  wholeMs?: number;
  failure?: string;
  hasEnded: boolean;
}

/** Explains who would answer, then asks and shows the answer as it comes. */
export function Answer({ prompt, tradeOff }: { prompt: string; tradeOff: number | null }) {
  const [progress, setProgress] = useState<Progress>({ text: '', hasEnded: false });
  const [score, setScore] = useState<number | null>(null);
  const abort = useRef(new AbortController());

  useEffect(() => {
    const add = (change: Partial<Progress>) => setProgress((before) => ({ ...before, ...change }));
    const { signal } = abort.current;
    async function run(): Promise<void> {
      const question = { prompt, tradeOff, signal };
      add({ decision: await explain(question) });
      const startedMs = performance.now();
      await ask(question, {
        answerer: (answerer) => add({ answerer }),
        text: (piece) =>
          setProgress((before) => ({
            ...before,
            text: before.text + piece,
            firstMs: before.firstMs ?? performance.now() - startedMs,
          })),
      });
      add({ wholeMs: performance.now() - startedMs });
    }
    run()
      .catch((error: unknown) => {
        if (!signal.aborted) add({ failure: error instanceof Error ? error.message : 'unknown error' });
      })
      .finally(() => add({ hasEnded: true }));
    return () => abort.current.abort();
  }, [prompt, tradeOff]);

  const { decision, answerer, text, firstMs, wholeMs, failure, hasEnded } = progress;
  return (
    <>
      <Panel
        title="Answer"
        actions={
          hasEnded ? undefined : (
            <button type="button" onClick={() => abort.current.abort()}>
              Stop
            </button>
          )
        }
      >
        <div class="stack">
          {failure === undefined ? null : <Failure message={`No answer: ${failure}.`} />}
          {answerer === undefined ? null : (
            <p>
              <b>{answerer.model}</b> <span class="dim">at {answerer.provider}</span>
              {firstMs === undefined ? null : (
                <span class="dim">
                  , <Hint term="First token">first token</Hint> after {milliseconds(firstMs)}
                </span>
              )}
              {wholeMs === undefined ? null : <span class="dim">, all of it after {milliseconds(wholeMs)}</span>}
            </p>
          )}
          <div class="answer" role="log" aria-live="polite" aria-busy={!hasEnded} aria-label="Answer">
            {text === '' && !hasEnded ? <span class="dim">Waiting for the first token …</span> : text}
          </div>
          {hasEnded && answerer?.decisionId != null ? (
            <>
              <FeedbackButtons decisionId={answerer.decisionId} given={score} onSent={setScore} />
              <p>
                <a href={linkTo(['decisions', answerer.decisionId])}>Open this decision</a>
              </p>
            </>
          ) : null}
        </div>
      </Panel>
      {decision === undefined ? null : <Decided decision={decision} answeredBy={answerer?.model ?? null} />}
    </>
  );
}

function Decided({ decision, answeredBy }: { decision: RouteResponse; answeredBy: string | null }) {
  const { model_id: model, provider, query_type: type, complexity, fallback_chain: chain } = decision;
  return (
    <Panel title="Why this model">
      <div class="stack">
        {answeredBy === null || answeredBy === model ? null : (
          <p class="notice">
            {answeredBy} answered instead: now and then another model is tried, or the chosen one failed.
          </p>
        )}
        <Facts
          facts={[
            {
              id: 'type',
              label: <Hint term="Query type" />,
              value: type,
              note: `${percent(decision.query_type_confidence)} sure`,
            },
            {
              id: 'complexity',
              label: <Hint term="Complexity" />,
              value: complexity,
              note: `${percent(decision.complexity_confidence)} sure`,
            },
            { label: 'Then, if it fails', value: chain.map((step) => step.model_id).join(', ') || 'nobody' },
            { label: 'Expected to cost', value: usd(decision.estimated_cost_usd) },
            {
              id: 'deadline',
              label: <Hint term="First token">First token within</Hint>,
              value: milliseconds(decision.budget_ms),
            },
          ]}
        />
        <ExplanationView explanation={decision.explanation} chosen={{ model, provider }} />
      </div>
    </Panel>
  );
}
