import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src', import.meta.url))
const design = fileURLToPath(new URL('../../../docs/design/supervision.md', import.meta.url))

function listRooms(): string[] {
  const [, rooms = ''] = readFileSync(design, 'utf8').split('\n## Rooms\n')
  return [...rooms.matchAll(/^\d\. `(\w+)`:/gm)].map(([, room]) => room as string)
}

test('value imports go down the list of rooms on the design page, never up', () => {
  const rooms = listRooms()
  expect(rooms).toEqual(['system', 'supervision', 'actors', 'children', 'runtime', 'messages'])
  const upward: string[] = []
  for (const [index, room] of rooms.entries()) {
    for (const file of readdirSync(join(source, room))) {
      const text = readFileSync(join(source, room, file), 'utf8')
      for (const [whole, names = ''] of text.matchAll(/^import ([^']*)'[^']*'/gm)) {
        const from = /'\.\.\/(\w+)\//.exec(whole)?.[1]
        const isTypes = names.startsWith('type ') || /^\{(?:\s*type [^,}]+,?)+\s*\}/.test(names)
        if (from === undefined || isTypes || !rooms.includes(from)) continue
        if (rooms.indexOf(from) < index) upward.push(`${room}/${file}: ${whole}`)
      }
    }
  }
  expect(upward).toEqual([])
})
