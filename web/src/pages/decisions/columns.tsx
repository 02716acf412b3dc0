import type { DecisionRecord } from '../../../../src/contracts/decision-record.ts';
import { Hint } from '../../components/hint.tsx';
import type { Column } from '../../components/table.tsx';
import { milliseconds } from '../../format/numbers.ts';

/** How soon an attempt was answered. */
export const timeColumns: ReadonlyArray<Column<DecisionRecord>> = [
  {
    id: 'first',
    head: <Hint term="First token" />,
    isNumber: true,
    cell: ({ time_to_first_token_ms: firstMs }) => milliseconds(firstMs),
  },
  {
    id: 'whole',
    head: <Hint term="Whole answer" />,
    isNumber: true,
    cell: ({ response_time_ms: wholeMs }) => milliseconds(wholeMs),
  },
];
