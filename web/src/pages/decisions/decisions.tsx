import type { DashboardModels } from '../../../../src/contracts/dashboard.ts';
import type { Decisions } from '../../../../src/contracts/decision-record.ts';
import { withQuery } from '../../api/client.ts';
import { useQuery } from '../../api/use-query.ts';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { fullTime } from '../../format/times.ts';
import { linkTo } from '../../route.ts';
import { DecisionTable } from './decision-table.tsx';
import { Filters, readFilter } from './filters.tsx';

const pageSize = 50;
const everyMs = 5000;

/** The log: attempts, the newest first, a page at a time. The address says which. */
export function DecisionsPage({ query }: { query: Readonly<Record<string, string>> }) {
  const filter = readFilter(query);
  const { before } = query;
  const path = withQuery('/decisions', { ...filter, before, limit: pageSize });
  // An older page stays as it is; the first one grows.
  const decisions = useQuery<Decisions>(path, before === undefined ? everyMs : undefined);
  const models = useQuery<DashboardModels>('/dashboard/models?window=24h');
  const isFiltered = Object.values(filter).some((value) => value !== '');

  return (
    <Page
      title="Decisions"
      lead="Every attempt to answer a request, the newest first. Open one to see why that model was chosen."
    >
      <Panel title="Log">
        <Filters filter={filter} models={models.data?.models ?? []} />
        <Loaded query={decisions} what="decisions">
          {({ decisions: records, next, searched_until: searchedUntil }) => (
            <>
              {records.length === 0 ? (
                <Empty
                  title={
                    next === null ? (isFiltered ? 'No decision matches' : 'No decisions yet') : 'None on this page'
                  }
                >
                  {isFiltered ? (
                    <a href={linkTo(['decisions'])}>Show all</a>
                  ) : (
                    <p>
                      They appear here a moment after a request. <a href={linkTo(['playground'])}>Ask something</a>.
                    </p>
                  )}
                </Empty>
              ) : (
                <DecisionTable records={records} />
              )}
              {searchedUntil === null || records.length >= pageSize ? null : (
                <p class="dim">Searched back to {fullTime(searchedUntil)}. “Older” goes on from there.</p>
              )}
              <nav class="row more" aria-label="Pages of the log">
                {before === undefined ? null : <a href={linkTo(['decisions'], filter)}>« Newest</a>}
                {next === null ? null : <a href={linkTo(['decisions'], { ...filter, before: next })}>Older »</a>}
              </nav>
            </>
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
