import { BlockList, isIP } from 'node:net';

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// Of AWS, and of Alibaba's cloud.
linkLocal.addAddress('fd00:ec2::254', 'ipv6');
linkLocal.addAddress('100.100.100.200', 'ipv4');

const metadataNames: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
]);

/**
 * Whether a URL leads to where clouds hand out a machine's credentials: a link-local address or one of their names for it,
 * however written. Pure: names are not resolved.
 */
export function isMetadataAddress(url: string): boolean {
  // URL has made one spelling of all: no octal, hexadecimal or short addresses, no capitals.
  const host = new URL(url).hostname.replace(/\.$/, '').replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  if (family === 0) return metadataNames.has(host);
  return linkLocal.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
