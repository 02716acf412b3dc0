import type { BudgetPeriod, Key, NewBudget } from '../../../../src/contracts/keys.ts';
import { Field } from '../../components/field.tsx';

/** Limits as they are typed; an empty text is no limit. */
export interface TypedLimits {
  limitUsd: string;
  period: BudgetPeriod;
  requests: string;
  tokens: string;
}

type Limited = Pick<Key, 'budget' | 'requests_per_minute' | 'tokens_per_minute'>;

export function typedLimits(limited: Limited | undefined): TypedLimits {
  return {
    limitUsd: limited?.budget?.limit_usd.toString() ?? '',
    period: limited?.budget?.period ?? 'month',
    requests: limited?.requests_per_minute?.toString() ?? '',
    tokens: limited?.tokens_per_minute?.toString() ?? '',
  };
}

/** As the API takes them: null takes a limit away. */
export function readLimits({ limitUsd, period, requests, tokens }: TypedLimits): {
  budget: NewBudget | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
} {
  return {
    budget: limitUsd === '' ? null : { limit_usd: Number(limitUsd), period },
    requests_per_minute: requests === '' ? null : Number(requests),
    tokens_per_minute: tokens === '' ? null : Number(tokens),
  };
}

const periods: ReadonlyArray<readonly [BudgetPeriod, string]> = [
  ['day', 'each day'],
  ['week', 'each week'],
  ['month', 'each month'],
  ['total', 'in all'],
];

interface LimitFieldsProps {
  limits: TypedLimits;
  onChange(limits: TypedLimits): void;
}

export function LimitFields({ limits, onChange }: LimitFieldsProps) {
  const typed = (name: 'limitUsd' | 'requests' | 'tokens') => (event: Event & { currentTarget: HTMLInputElement }) =>
    onChange({ ...limits, [name]: event.currentTarget.value });
  return (
    <>
      <div class="form-row">
        <Field label="Budget, USD" help="Empty: no limit.">
          {(attributes) => (
            <input
              {...attributes}
              type="number"
              min="0"
              step="any"
              value={limits.limitUsd}
              onInput={typed('limitUsd')}
            />
          )}
        </Field>
        <Field label="Period" help="Begins anew in UTC.">
          {(attributes) => (
            <select
              {...attributes}
              value={limits.period}
              onChange={(event) => {
                const chosen = periods.find(([value]) => value === event.currentTarget.value);
                if (chosen !== undefined) onChange({ ...limits, period: chosen[0] });
              }}
            >
              {periods.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <div class="form-row">
        <Field label="Requests a minute">
          {(attributes) => (
            <input {...attributes} type="number" min="1" step="1" value={limits.requests} onInput={typed('requests')} />
          )}
        </Field>
        <Field label="Tokens a minute">
          {(attributes) => (
            <input {...attributes} type="number" min="1" step="1" value={limits.tokens} onInput={typed('tokens')} />
          )}
        </Field>
      </div>
    </>
  );
}
