import { existsSync, readFileSync } from 'node:fs'
import type { MarkdownRenderer } from 'vitepress'
import { timelineFile } from '../timelines/files.ts'

/** Puts the timeline that the build has drawn below each program whose fence says `timeline`. */
export function showTimelines(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence!
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index]!
    const code = fence(tokens, index, ...rest)
    if (!/^ts timeline\b/.test(token.info)) return code
    const file = timelineFile(token.content)
    return existsSync(file) ? code + readFileSync(file, 'utf8') : code
  }
}
