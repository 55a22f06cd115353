import { BlockList, isIP } from 'node:net';

/** `host`, `*.domain`, either with a port; in lower case. */
export type AllowedHosts = readonly string[];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Addresses that lead to nobody on the public internet (IANA special-purpose address registries). */
const INSIDE = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  INSIDE.addSubnet(net, prefix, 'ipv4');
/** The one range of IPv6 that is given to networks of the public internet. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
/** Ranges in it that carry an IPv4 address along, or are for documents and tests. */
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  INSIDE.addSubnet(net, prefix, 'ipv6');

/** Whether an address may be called: on the public internet, or this machine where the host may be this machine. */
export const mayConnect = (address: string, loopback: boolean): boolean => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mayConnect(mapped, loopback);
  const family = isIP(address);
  if (family === 0) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (LOOPBACK.check(address, type)) return loopback;
  return (family === 4 || GLOBAL.check(address, type)) && !INSIDE.check(address, type);
};

export interface AllowedUrl {
  readonly url: URL;
  /** The host is this machine, and listed as such. */
  readonly loopback: boolean;
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * A callback address that may be called, or why not. https alone, but for this machine; the port 443 alone, unless the
 * list names another; for this machine any.
 */
export const allowUrl = (text: string, hosts: AllowedHosts): AllowedUrl | 'not-allowed' | 'malformed' => {
  if (!URL.canParse(text)) return 'malformed';
  const url = new URL(text);
  const { protocol, hostname, username, password, port } = url;
  if (username !== '' || password !== '' || url.hash !== '') return 'malformed';
  if (protocol !== 'https:' && protocol !== 'http:') return 'malformed';
  const loopback = LOOPBACK_NAME.test(hostname);
  if (protocol === 'http:' && !loopback) return 'not-allowed';
  const named = hosts.some((pattern) => fits(pattern, hostname, port, loopback));
  return named ? { url, loopback } : 'not-allowed';
};

const fits = (pattern: string, hostname: string, port: string, loopback: boolean): boolean => {
  const [, host = '', listed] = /^(.*?)(?::(\d+))?$/.exec(pattern) ?? [];
  if (listed === undefined ? port !== '' && !loopback : listed !== (port === '' ? '443' : port)) return false;
  // A name alone may stand for an address; a pattern never does.
  if (!host.startsWith('*.')) return host === hostname;
  return isIP(hostname) === 0 && hostname.endsWith(host.slice(1)) && hostname.length >= host.length;
};
