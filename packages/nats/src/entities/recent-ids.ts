/**
 * The ids of the messages that an entity has handled lately. They are a part of its stored state.
 *
 * A stream knows the ids of its messages for two minutes, and stores a message that is sent again only once. But a server that
 * was killed and started again knows only the ids of messages that are still there. A message that was handled and deleted,
 * and whose sender did not hear before the kill that it was stored, is stored again.
 *
 * An id is kept as 64 bits of hash, with the second in which the message was stored.
 */
import { hash } from '../wire/hash.ts'

/** The bytes of one id: two hashes and the time. */
const size = 12
const mostIds = 128
/** The most bytes that the ids of an entity take. */
export const mostIdBytes: number = mostIds * size
/** Seconds for which an id is kept. Senders give up sooner. */
const keptFor = 120

export type RecentIds = Uint8Array

export const noIds: RecentIds = new Uint8Array(0)

export function hasId(ids: RecentIds, id: string): boolean {
  const view = viewOf(ids)
  const [high, low] = [hash(id, 0x811c_9dc5), hash(id, 0x1b87_3593)]
  for (let at = 0; at < ids.length; at += size) {
    if (view.getUint32(at) === high && view.getUint32(at + 4) === low) return true
  }
  return false
}

/** Returns the ids with one more. `storedAt` is when its message was stored, in milliseconds of the Unix time. */
export function addId(ids: RecentIds, id: string, storedAt: number): RecentIds {
  const now = Math.floor(storedAt / 1_000)
  const view = viewOf(ids)
  let from = Math.max(0, ids.length - (mostIds - 1) * size)
  while (from < ids.length && view.getUint32(from + 8) < now - keptFor) from += size
  const next = new Uint8Array(ids.length - from + size)
  next.set(ids.subarray(from))
  const nextView = viewOf(next)
  const at = next.length - size
  nextView.setUint32(at, hash(id, 0x811c_9dc5))
  nextView.setUint32(at + 4, hash(id, 0x1b87_3593))
  nextView.setUint32(at + 8, now)
  return next
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
