import { describe } from '@tasktree/core/lowlevel'

/**
 * The path to the first value in `root` that `send` cannot carry, and what is there; null when none is
 * found. It looks where structured clone looks: own properties, and the contents of arrays, maps and sets.
 */
export function findUncloneable(
  root: unknown,
  name: string,
  send: (value: unknown) => void = structuredClone,
): string | null {
  if (canSend(root, send)) return null
  const seen = new Set<unknown>([root])
  let current = root
  let path = name
  for (;;) {
    const part = listParts(current).find(([, value]) => !seen.has(value) && !canSend(value, send))
    if (part === undefined) return `${path} is ${describe(current)}`
    seen.add(part[1])
    path += part[0]
    current = part[1]
  }
}

function canSend(value: unknown, send: (value: unknown) => void): boolean {
  try {
    send(value)
    return true
  } catch {
    return false
  }
}

function listParts(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.map((item, index) => [`[${index}]`, item])
  if (value instanceof Map) {
    return [...value].flatMap(([key, item]): [string, unknown][] => [
      [` key ${describe(key)}`, key],
      [`.get(${typeof key === 'string' ? JSON.stringify(key) : describe(key)})`, item],
    ])
  }
  if (value instanceof Set) return [...value].map((item) => [' item', item])
  return Object.entries(value).map(([key, item]) => [
    /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    item,
  ])
}
