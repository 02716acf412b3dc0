import { Client } from 'pg';
import { messageOf } from '../../src/platform/core/errors.ts';
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { createLogger } from '../../src/platform/telemetry/logger.ts';

// A process that holds an embedded server: `node embedded-process.ts DATA_DIR [write]`. It prints lines of JSON: one when
// the server is ready, then, with `write`, the number of every row that was committed. SIGTERM stops it.
const [dataDir = '', mode] = process.argv.slice(2);

function print(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLogger({ level: 'warn' }) });
  process.once('SIGTERM', () => {
    void postgres.stop().then(() => process.exit(0));
  });
  print({ ready: true, connectionString: postgres.connectionString, adopted: postgres.adopted });
  if (mode === 'write') {
    const client = new Client({ connectionString: postgres.connectionString });
    await client.connect();
    await client.query('create table if not exists written (number bigint primary key)');
    for (let number = 1; ; number += 1) {
      await client.query('insert into written (number) values ($1)', [number]);
      print({ committed: number });
    }
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
