/**
 * Matches a path that the URL parser would not change, so that parsing can be skipped. A path with `/.` does not match,
 * because the parser may shorten it.
 */
const plainPath =
  /^\/(?!.*(?:\/\.|\/%2e))[\w\-.~!$&'()*+,;=:@%/[\]]*(?:\?[\w\-.~!$&()*+,;=:@%/?[\]]*)?$/i
const plainHost = /^[a-z\d][a-z\d-]*(?:\.[a-z\d-]+)*(?::[1-9]\d{0,4})?$/

/**
 * Returns the absolute URL of a request; null when its target or the name of its host is invalid.
 */
export function urlOf(scheme: string, host: string, target: string): string | null {
  // In a URL without a host, the parser would use the first part of the path as the host.
  if (host === '') return null
  if (plainPath.test(target) && plainHost.test(host) && !hasDefaultPort(scheme, host)) {
    return `${scheme}://${host}${target}`
  }
  // A request to a proxy has a whole URL as its target.
  const isWhole = /^https?:\/\//i.test(target)
  if (isWhole && /^[^:]+:\/\/[/\\?#]/.test(target)) return null
  const text = isWhole ? target : `${scheme}://${host}${target.startsWith('/') ? '' : '/'}${target}`
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || /[/\\?#@]/.test(host))
    return null
  return url.href
}

function hasDefaultPort(scheme: string, host: string): boolean {
  return host.endsWith(scheme === 'http' ? ':80' : ':443')
}
