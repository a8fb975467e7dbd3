import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Access } from './access.ts'

/** The page loads nothing from elsewhere, is shown in no frame, and runs no code but its own file. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
}

const contentTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  events: 'text/event-stream; charset=utf-8',
} as const

/** Writes the head of a response, with the headers that protect the page. */
export function writeHead(
  response: ServerResponse,
  status: number,
  type: keyof typeof contentTypes,
  more: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, 'Content-Type': contentTypes[type], ...more })
}

/** The page's files as they were built, read once and served from memory. */
export class PageFiles {
  readonly page: string
  readonly login: string
  readonly wrongPassword: string
  /** The files that are sent without a login, by the path of their request. */
  readonly public: ReadonlyMap<string, { type: 'css' | 'js' | 'svg'; text: string }>

  constructor({ id, token, hasPassword }: Access) {
    this.page = read('page.html')
      .replace('%SERVER%', id)
      .replace('%TOKEN%', token)
      .replace('%PASSWORD%', hasPassword ? 'yes' : 'no')
    const login = read('login.html')
    this.login = login.replace('%MESSAGE%', '')
    this.wrongPassword = login.replace('%MESSAGE%', 'That is not the password.')
    this.public = new Map([
      ['/page.js', { type: 'js' as const, text: read('page.js') }],
      ['/events-worker.js', { type: 'js' as const, text: read('events-worker.js') }],
      ['/style.css', { type: 'css' as const, text: read('style.css') }],
      ['/icon.svg', { type: 'svg' as const, text: read('icon.svg') }],
    ])
  }
}

// The build puts the page's files beside the bundle. A server that runs from source uses the files of the last build.
const folder = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/page/' : './page/',
  import.meta.url,
)

function read(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}
