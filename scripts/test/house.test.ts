// Checks that the repository has the structure that the pages in docs/design describe, so that a reader can rely on them. A
// "room" is a folder directly inside the `src` of a package. The rooms of a package are ordered, and imports go from top to low.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The folder of the pages that the build of the site generates. The tests of the site check these pages and the links to them. */
const generated = 'docs/reference/api/'

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function files(...patterns: string[]): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.startsWith(generated))
    .toSorted()
}

/** The rooms of each package whose design page lists them, from the top room to the lowest. */
function readRooms(): Map<string, string[]> {
  const rooms = new Map<string, string[]>()
  for (const page of files('docs/design/*.md')) {
    for (const [, heading, body] of read(page).matchAll(
      /^##+ (.*)\n([\s\S]*?)(?=^##|$(?![\s\S]))/gm,
    )) {
      const source = /^The rooms of `(.*)`$/.exec(heading as string)?.[1]
      if (source === undefined) continue
      const rows = (body as string).matchAll(/^\| \[?`(.*?)`/gm)
      rooms.set(
        source,
        [...rows].map((row) => row[1] as string),
      )
    }
  }
  return rooms
}

/** The files that `file` imports or exports values from; type imports do not count. */
function valueImports(file: string): string[] {
  const statements = read(file).matchAll(
    /^(?:import|export)\s+(?!type\b)(?:([^'"]*?)\sfrom\s+)?'(\.[^']+)'/gm,
  )
  const imported: string[] = []
  for (const [, names, path] of statements) {
    const listed = /^\{([^}]*)\}$/
      .exec(names ?? '')?.[1]
      ?.split(',')
      .filter((name) => name.trim())
    if (listed?.every((name) => /^\s*type\s/.test(name))) continue
    imported.push(posix.join(posix.dirname(file), path as string))
  }
  return imported
}

const rooms = readRooms()

/** The imports that break the order on purpose. The page docs/design/kernel.md names them too. */
const exceptions: readonly string[] = [
  'packages/core/src/tasks -> packages/core/src/loop/clock.ts',
  'packages/core/src/tasks -> packages/core/src/loop/unhandled-rejections.ts',
]

test('the design pages list the rooms (folders of src) of every package that has rooms', () => {
  const withFolders = files('packages/*/src/*/*.ts').map((file) =>
    posix.dirname(posix.dirname(file)),
  )
  expect([...rooms.keys()].toSorted()).toEqual([...new Set(withFolders)].toSorted())
})

describe.each([...rooms])('%s', (source, order) => {
  test('has the rooms that its design page lists, and no others', () => {
    const folders = files(`${source}/*/*.ts`).map((file) => basename(dirname(file)))
    expect([...new Set(folders)].toSorted()).toEqual(order.toSorted())
  })

  /**
   * Returns the place of the file's room in the order, where 0 is the top room. A file outside of the rooms counts as the highest
   * room that it imports values from.
   */
  function placeOf(file: string): number {
    const place = order.indexOf(file.slice(source.length + 1).split('/')[0] as string)
    return place === -1 ? Math.min(Infinity, ...valueImports(file).map(placeOf)) : place
  }

  test('imports values only from the same room and from lower rooms', () => {
    const imports = files(`${source}/*/**/*.ts`).flatMap((file) =>
      valueImports(file).map((imported) => [file, imported] as const),
    )
    const upward = imports.filter(([file, imported]) => {
      const exception = `${posix.dirname(file)} -> ${imported}`
      return placeOf(imported) < placeOf(file) && !exceptions.includes(exception)
    })
    expect(upward).toEqual([])
    expect(imports.length).toBeGreaterThan(50)
  })
})

test('each exception to the import order of the rooms is still needed', () => {
  const needed = exceptions.filter((exception) => {
    const [room, target] = exception.split(' -> ') as [string, string]
    return files(`${room}/*.ts`).some((file) => valueImports(file).includes(target))
  })
  expect(needed).toEqual(exceptions)
})

test.each(files('packages/*', 'apps/*'))(
  '%s has no two source files with the same name',
  (folder) => {
    const names = files(`${folder}/src/**/*.ts`).map((file) => basename(file))
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  },
)

/** The relative links of a page, without their fragments. */
function linksOf(page: string): string[] {
  const text = read(page)
  return [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/^\[[^\]]+\]: (\S+)/gm)]
    .map((match) => (match[1] as string).replace(/#.*/, ''))
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link) && !link.includes('reference/api/'))
}

const pages = files(
  '*.md',
  'docs/**/*.md',
  '*/README.md',
  'packages/*/README.md',
  'apps/*/README.md',
  '.github/**/*.md',
)

test.each(pages)('%s links only to files that exist', (page) => {
  const missing = linksOf(page).filter((link) => !existsSync(join(root, dirname(page), link)))
  expect(missing).toEqual([])
})

test.each(files('packages/*/README.md'))(
  '%s has no link that leads out of its package, because the registry shows it without the repository',
  (page) => {
    expect(linksOf(page).filter((link) => link.startsWith('..') || link.startsWith('/'))).toEqual(
      [],
    )
  },
)

test('package.json accepts only the major version of pnpm that packageManager pins', () => {
  const { packageManager, engines } = JSON.parse(read('package.json')) as {
    packageManager: string
    engines: { pnpm: string }
  }
  const major = Number(/^pnpm@(\d+)\./.exec(packageManager)?.[1])
  expect(engines.pnpm).toBe(`>=${major} <${major + 1}`)
})
