import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** The client of a request, and how it reached the server. */
export interface Origin {
  address: string
  /** The host in the browser's address bar. */
  host: string
  isSecure: boolean
}

/**
 * The proxies whose X-Forwarded headers are trusted. Any client can send such headers, so they are used only if the
 * connection itself comes from one of these addresses.
 */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** `addresses` has addresses, networks (10.0.0.0/8) or the word `loopback`. @throws {RangeError} for anything else */
  constructor(addresses: readonly string[]) {
    for (const text of addresses) this.#add(text)
  }

  #add(text: string): void {
    if (text === 'loopback') {
      this.#list.addSubnet('127.0.0.0', 8, 'ipv4')
      this.#list.addAddress('::1', 'ipv6')
      return
    }
    const [address = '', length, ...rest] = text.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    const most = family === 'ipv6' ? 128 : 32
    const bits = length === undefined ? most : Number(length)
    const isGood =
      isIP(address) !== 0 &&
      rest.length === 0 &&
      Number.isInteger(bits) &&
      bits >= 0 &&
      bits <= most
    if (!isGood || length === '')
      throw new RangeError(`a trusted proxy is an address, a network or 'loopback', got '${text}'`)
    this.#list.addSubnet(address, bits, family)
  }

  #has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }

  originOf({ headers, socket }: IncomingMessage): Origin {
    const peer = plain(socket.remoteAddress ?? '')
    const host = headers.host ?? ''
    if (!this.#has(peer)) return { address: peer, host, isSecure: false }
    // Each proxy appends the address of its own peer. So the last address that is not a trusted proxy is the client.
    const hops = [...textsOf(headers['x-forwarded-for']).map(plain), peer]
    const address = hops.findLast((hop) => !this.#has(hop)) ?? hops[0] ?? peer
    return {
      address: isIP(address) === 0 ? peer : address,
      host: textsOf(headers['x-forwarded-host']).at(-1) ?? host,
      isSecure: textsOf(headers['x-forwarded-proto']).at(-1)?.toLowerCase() === 'https',
    }
  }
}

/** Returns the values of a header that is a list. */
function textsOf(header: string | string[] | undefined): string[] {
  return (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
}

/** Returns the plain form of an IPv4 address. A socket for IPv4 and IPv6 reports it as an IPv6 address. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
