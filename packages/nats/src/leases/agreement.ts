/**
 * The settings that all nodes must give alike. With different settings, two nodes could own the same thing. The settings of the
 * first node count.
 */
import type { Link } from '../link/link.ts'
import { SettingsDiffer } from '../errors.ts'

/** @throws {SettingsDiffer} when the cluster has other settings for `key` */
export async function agreeOn(
  link: Link,
  what: string,
  key: string,
  settings: object,
): Promise<void> {
  const own = JSON.stringify(settings)
  const name = link.names.settings
  const agreed = await link.insist(async (bus) => {
    const bucket = link.bucket(bus, name, Infinity)
    if ((await bucket.create(key, new TextEncoder().encode(own))) !== null) return own
    const entry = await bucket.get(key)
    return entry === null ? own : new TextDecoder().decode(entry.value)
  })
  if (agreed !== own)
    throw new SettingsDiffer(what, own, agreed, `the key ${key} of the bucket ${name}`)
}

/** Returns the settings that the cluster has for `key`; null when no node has given any. */
export async function readAgreement(link: Link, key: string): Promise<unknown> {
  const entry = await link.insist((bus) => link.bucket(bus, link.names.settings, Infinity).get(key))
  return entry === null ? null : JSON.parse(new TextDecoder().decode(entry.value))
}
