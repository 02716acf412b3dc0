import type { z } from 'zod';
import type { auditPageSchema } from '../../../../src/contracts/audit.ts';
import { withQuery } from '../../api/client.ts';
import { useQuery } from '../../api/use-query.ts';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { beginOfDay } from '../../format/times.ts';
import { linkTo } from '../../route.ts';
import { AuditTable } from './audit-table.tsx';
import { Filters, readFilter } from './filters.tsx';

const pageSize = 50;
const everyMs = 10_000;

/** What administrators have done, the newest first, a page at a time. The address says which. */
export function AuditPage({ query }: { query: Readonly<Record<string, string>> }) {
  const filter = readFilter(query);
  const { action, object, from, to } = filter;
  const { before } = query;
  const entries = useQuery<z.infer<typeof auditPageSchema>>(
    withQuery('/audit', { action, object, since: beginOfDay(from), until: beginOfDay(to, 1), before, limit: pageSize }),
    before === undefined ? everyMs : undefined,
  );
  const isFiltered = Object.values(filter).some((value) => value !== '');

  return (
    <Page
      title="Audit log"
      lead="What administrators have done, the newest first: with keys, models, scores, upgrades and the configuration."
    >
      <Panel title="Log">
        <Filters filter={filter} />
        <Loaded query={entries} what="entries">
          {({ entries: rows, next }) => (
            <>
              {rows.length > 0 ? (
                <AuditTable entries={rows} filter={filter} />
              ) : isFiltered ? (
                <Empty title="No entry matches">
                  <a href={linkTo(['audit'])}>Show all</a>
                </Empty>
              ) : (
                <Empty title="Nothing was changed yet">
                  <p>
                    Each change stands here with who made it. <a href={linkTo(['keys'])}>Make a key</a>, and it is the
                    first.
                  </p>
                </Empty>
              )}
              <nav class="row more" aria-label="Pages of the log">
                {before === undefined ? null : <a href={linkTo(['audit'], filter)}>« Newest</a>}
                {next === null ? null : <a href={linkTo(['audit'], { ...filter, before: next })}>Older »</a>}
              </nav>
            </>
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
