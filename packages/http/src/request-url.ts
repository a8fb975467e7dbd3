/** Characters that a URL keeps as they are. A path with `.` after a `/` may have to be shortened. */
const plainPath =
  /^\/(?!.*(?:\/\.|\/%2e))[\w\-.~!$&'()*+,;=:@%/[\]]*(?:\?[\w\-.~!$&()*+,;=:@%/?[\]]*)?$/i
const plainHost = /^[a-z\d][a-z\d-]*(?:\.[a-z\d-]+)*(?::[1-9]\d{0,4})?$/

/**
 * The absolute URL of a request; null when its target or the name of its host is invalid.
 */
export function urlOf(scheme: string, host: string, target: string): string | null {
  if (plainPath.test(target) && plainHost.test(host) && !hasDefaultPort(scheme, host)) {
    return `${scheme}://${host}${target}`
  }
  // The target of a request to a proxy is a whole URL.
  const text = /^https?:\/\//i.test(target)
    ? target
    : `${scheme}://${host}${target.startsWith('/') ? '' : '/'}${target}`
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || /[/\\?#@]/.test(host))
    return null
  return url.href
}

function hasDefaultPort(scheme: string, host: string): boolean {
  return host.endsWith(scheme === 'http' ? ':80' : ':443')
}
