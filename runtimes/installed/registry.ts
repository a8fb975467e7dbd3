// A small npm registry on this machine, which answers the requests that package managers make. The tests publish the packages
// of this repository to it with `pnpm publish`, as a release publishes them to the public registry. The registry serves the
// dependencies of these packages from the node_modules of the workspace, so that no test needs the network.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

interface Manifest {
  readonly name: string
  readonly version: string
  /** Names the peer dependencies that are optional. */
  readonly peerDependenciesMeta?: object
  readonly [field: string]: unknown
}

interface Version {
  readonly manifest: Manifest
  /** The packed package. Null for a package of the workspace that no request has asked for yet. */
  tarball: Buffer | null
  /** The folder of a package of the workspace; null for a package that was published. */
  readonly folder: string | null
}

/** The body of `PUT /<name>`, with which a package is published. */
interface Publication {
  readonly name: string
  readonly versions: Readonly<Record<string, Manifest>>
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

export class LocalRegistry implements AsyncDisposable {
  /** The manifests of the packages that were published, by name. */
  readonly published = new Map<string, Manifest>()
  /**
   * The optional peers of the published packages: frameworks, linters, test runners. The registry says that it does not have
   * them. npm asks for them without installing them, and packing them would take most of the time.
   */
  readonly #optionalPeers = new Set<string>()
  readonly #packages = new Map<string, Map<string, Version>>()
  readonly #store: string
  readonly #server: Server

  /** `store` is the folder in which pnpm keeps the packages of the workspace: `node_modules/.pnpm`. */
  constructor(store: string) {
    this.#store = store
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(JSON.stringify({ error: String(error) }))
      })
    })
  }

  static async start(store: string): Promise<LocalRegistry> {
    const registry = new LocalRegistry(store)
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url as string, this.url).pathname).slice(1)
    if (request.method === 'PUT') {
      this.#publish(JSON.parse(await text(request)) as Publication)
      response.writeHead(201).end('{"ok":true}')
      return
    }
    const [name, file] = path.split('/-/') as [string, string | undefined]
    const versions = this.#find(name)
    if (versions.size === 0) {
      response.writeHead(404).end('{"error":"not found"}')
    } else if (file === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(await this.#document(name, versions)))
    } else {
      const version = versions.get(file.slice(0, -'.tgz'.length)) as Version
      response.writeHead(200).end(await tarballOf(version))
    }
  }

  #publish({ name, versions, _attachments }: Publication): void {
    const [manifest] = Object.values(versions) as [Manifest]
    const [attachment] = Object.values(_attachments) as [{ data: string }]
    const tarball = Buffer.from(attachment.data, 'base64')
    this.published.set(name, manifest)
    for (const peer of Object.keys(manifest.peerDependenciesMeta ?? {}))
      this.#optionalPeers.add(peer)
    this.#packages.set(name, new Map([[manifest.version, { manifest, tarball, folder: null }]]))
  }

  /** Returns every version of a package that was published, or that the workspace has. */
  #find(name: string): Map<string, Version> {
    const known = this.#packages.get(name)
    if (known !== undefined) return known
    const versions = new Map<string, Version>()
    if (this.#optionalPeers.has(name)) return versions
    this.#packages.set(name, versions)
    const prefix = `${name.replace('/', '+')}@`
    for (const entry of readdirSync(this.#store)) {
      const folder = join(this.#store, entry, 'node_modules', name)
      if (!entry.startsWith(prefix) || !existsSync(folder)) continue
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
      versions.set(manifest.version, { manifest, tarball: null, folder })
    }
    return versions
  }

  async #document(name: string, versions: Map<string, Version>): Promise<object> {
    const listed: Record<string, object> = {}
    const time: Record<string, string> = {}
    for (const [number, version] of versions) {
      const tarball = await tarballOf(version)
      const dist = {
        tarball: `${this.url}${name}/-/${number}.tgz`,
        shasum: createHash('sha1').update(tarball).digest('hex'),
        integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
      }
      // The listed manifests have no scripts, because the scripts of a package have already run when pnpm installed it in the
      // workspace.
      listed[number] = { ...version.manifest, scripts: undefined, dist }
      time[number] = '2020-01-01T00:00:00.000Z'
    }
    const latest = [...versions.keys()].toSorted(byVersion).at(-1)
    return { name, 'dist-tags': { latest }, versions: listed, time }
  }
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

async function tarballOf(version: Version): Promise<Buffer> {
  version.tarball ??= await pack(version.folder as string)
  return version.tarball
}

/** Packs the package in `folder`. All files of the tarball are in one folder, whose name package managers ignore. */
async function pack(folder: string): Promise<Buffer> {
  const name = basename(folder)
  const args = ['-czf', '-', '--exclude', `${name}/node_modules`, name]
  const { stdout } = await promisify(execFile)('tar', args, {
    cwd: dirname(folder),
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}
