import { useState } from 'preact/hooks';
import type { CostQualityPoint } from '../../../../src/contracts/dashboard.ts';
import type { Complexity } from '../../../../src/contracts/query-class.ts';
import { ScatterChart } from '../../charts/scatter-chart.tsx';
import { Choice } from '../../components/field.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { score, usd } from '../../format/numbers.ts';

const complexities: ReadonlyArray<{ value: Complexity; label: string }> = [
  { value: 'simple', label: 'Simple' },
  { value: 'medium', label: 'Medium' },
  { value: 'complex', label: 'Complex' },
];

/** Cost against quality, with the models that no other beats. */
export function CostQuality({ points }: { points: readonly CostQualityPoint[] }) {
  const [complexity, setComplexity] = useState<Complexity>('medium');
  const shown = points.filter((point) => point.complexity === complexity);
  return (
    <Panel
      title="Cost against quality"
      note={
        <>
          Up and to the left is better. The line is the <Hint term="Frontier">frontier</Hint>. Hollow points have their
          cost from the price list, others from their answers.
        </>
      }
      actions={
        <Choice
          label="Complexity"
          value={complexity}
          options={complexities}
          onChange={(chosen) => setComplexity(chosen)}
        />
      }
    >
      {shown.length === 0 ? (
        <Empty title="No model has a known price" />
      ) : (
        <ScatterChart
          title={`Models for ${complexity} requests`}
          xTitle="Cost of an answer, USD (logarithmic)"
          yTitle="Score, of 5"
          points={shown.map((point) => ({
            name: point.model_id,
            x: point.cost_usd,
            y: point.quality,
            isFilled: point.is_measured,
            isOnLine: point.on_frontier,
          }))}
          formatX={usd}
          formatY={score}
          line="Frontier"
        />
      )}
    </Panel>
  );
}
