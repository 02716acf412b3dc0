import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { SignalboxError } from '../core/errors.ts';

/**
 * Where no key is needed, a service listens for its own machine alone; but any web page that is looked at there can send
 * requests to it. Two kinds are refused, and programs that are no browsers hardly ever send either:
 *
 * - a request under a host name that is not this machine's: a name of the page's site that leads here (DNS rebinding),
 *   whose answers the page could read. Names that a browser finds in no public DNS are known: `localhost` and below it,
 *   below `internal` (as containers say for their host), and addresses; further ones are `allowedHosts`.
 * - a request that changes or costs something, by the page of another site. Extensions and apps may.
 *
 * @throws SignalboxError `forbidden`.
 */
export function refuseStrangePages(
  { headers, method }: { headers: IncomingHttpHeaders; method: string },
  allowedHosts: readonly string[],
): void {
  // Not what X-Forwarded-Host says, which a page may set.
  if (!isKnownHost(headers.host ?? '', allowedHosts)) {
    throw new SignalboxError(
      'forbidden',
      'unknown host name: without a master key, requests come under localhost, an address, or one of allowed_hosts (SIGNALBOX_ALLOWED_HOSTS)',
    );
  }
  if (!safeMethods.has(method) && isByForeignPage(headers)) {
    throw new SignalboxError('forbidden', 'the page of another site may not do this where no master key is set');
  }
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function isKnownHost(host: string, allowedHosts: readonly string[]): boolean {
  const address = /^\[(.*)\](?::\d*)?$/.exec(host)?.[1];
  if (address !== undefined) return isIP(address) === 6;
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  // No browser leaves it out.
  if (host === '' || isIP(name) === 4) return true;
  return name === 'localhost' || /\.(?:localhost|internal)$/.test(name) || allowedHosts.includes(name);
}

/** Browsers say what the page is to the site that it asks; where they do not, whose page it is. */
function isByForeignPage({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site === 'same-origin' || site === 'none') return false;
  if (origin === undefined) return site !== undefined;
  if (origin === 'null') return true;
  if (!URL.canParse(origin) || !/^https?:/.test(origin)) return false;
  return new URL(origin).host !== host?.toLowerCase();
}
