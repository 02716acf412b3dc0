import type { Pool } from '../../src/platform/postgres/pool.ts';

/** A table with all of its partitions and indexes. */
export interface TableSize {
  table: string;
  rows: number;
  tableBytes: number;
  indexBytes: number;
}

/** The tables and queues that hold anything, the largest first. Counts their rows, so only of a database at rest. */
export async function measureSizes(pool: Pool): Promise<TableSize[]> {
  const { rows } = await pool.query<{ table: string; table_bytes: string; index_bytes: string }>(
    `select coalesce(pg_partition_root(oid), oid)::regclass::text as table,
       sum(pg_table_size(oid)) as table_bytes, sum(pg_indexes_size(oid)) as index_bytes
     from pg_class
     where relkind = 'r' and relnamespace in ('public'::regnamespace, 'pgmq'::regnamespace)
     group by 1 order by sum(pg_total_relation_size(oid)) desc`,
  );
  const sizes: TableSize[] = [];
  for (const { table, table_bytes: tableBytes, index_bytes: indexBytes } of rows) {
    const { rows: counted } = await pool.query<{ count: string }>(`select count(*) from ${table}`);
    sizes.push({
      table,
      rows: Number(counted[0]?.count ?? 0),
      tableBytes: Number(tableBytes),
      indexBytes: Number(indexBytes),
    });
  }
  return sizes.filter((size) => size.rows > 0 || size.tableBytes + size.indexBytes > 200_000);
}

/** Where the log of changes has come to, in bytes. */
export async function walPosition(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ position: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as position`,
  );
  return Number(rows[0]?.position ?? 0);
}
