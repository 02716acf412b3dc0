import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';

/**
 * Makes a role that may nothing but log in, and a database of that name that it owns: what managed PostgreSQL gives.
 * Returns its connection string.
 */
export async function createPlainRole(superuserUrl: string, name: string): Promise<string> {
  const password = 'plain';
  await runAsSuperuser(superuserUrl, [
    `create role ${name} login nosuperuser nocreatedb nocreaterole password '${password}'`,
    `create database ${name} owner ${name} template template0`,
  ]);
  const url = new URL(superuserUrl);
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropPlainRole(superuserUrl: string, name: string): Promise<void> {
  await runAsSuperuser(superuserUrl, [`drop database if exists ${name} with (force)`, `drop role if exists ${name}`]);
}

/** Statement by statement, in the maintenance database. */
export async function runAsSuperuser(superuserUrl: string, statements: readonly string[]): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = '/postgres';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/**
 * Switches TLS on, with a certificate for 127.0.0.1 that is its own authority; `openssl` makes it.
 *
 * @param folder The server has to be able to read it.
 * @returns The certificate's file.
 */
export async function switchTlsOn(superuserUrl: string, folder: string): Promise<string> {
  const [certificate, key] = [path.join(folder, 'server.crt'), path.join(folder, 'server.key')];
  const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=postgres', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...request, ...name, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  await chmod(key, 0o600);
  await runAsSuperuser(superuserUrl, [
    `alter system set ssl_cert_file = '${certificate}'`,
    `alter system set ssl_key_file = '${key}'`,
    'alter system set ssl = on',
    'select pg_reload_conf()',
  ]);
  return certificate;
}

/** The same address over TLS, or not at all: the server must have that certificate, for that name. */
export function withTls(connectionString: string, certificate: string): string {
  const url = new URL(connectionString);
  url.search = '';
  url.searchParams.set('sslmode', 'verify-full');
  url.searchParams.set('sslrootcert', certificate);
  return url.href;
}
