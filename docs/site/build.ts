// Builds the site: the reference from the docstrings, the timelines from real runs, then the pages.
import { resolve } from 'node:path'
import { build } from 'vitepress'
import { drawTimelines } from '../timelines/draw-all.ts'
import { buildReference } from './reference.ts'

/** Builds the site into `.vitepress/dist`. */
export async function buildSite(): Promise<void> {
  await Promise.all([buildReference(), drawTimelines()])
  await build(resolve(import.meta.dirname, '..'))
}
