import { renderMermaidSVG } from 'beautiful-mermaid'
import type { MarkdownRenderer } from 'vitepress'

let count = 0

/** Draws the Mermaid diagrams when the site is built, so that a reader's browser has nothing to load for them. */
export function drawDiagrams(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence!
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index]!
    if (token.info.trim() !== 'mermaid') return fence(tokens, index, ...rest)
    const source = md.utils.escapeHtml(token.content)
    // Vue takes the <style> out of a template, so the drawing is given as text.
    const drawing = encodeURIComponent(draw(token.content)).replaceAll("'", '%27')
    return `<figure class="diagram"><div class="drawing" tabindex="0" role="group" aria-label="A diagram, which scrolls sideways" v-html="decodeURIComponent('${drawing}')"></div><details><summary>The diagram as text</summary><pre v-pre>${source}</pre></details></figure>`
  }
}

function draw(diagram: string): string {
  // This removes the `click` lines of the diagram, each of which links a box to a file. The page itself lists the same files.
  const source = diagram.replaceAll(/^\s*click .*$\n?/gm, '')
  const id = `diagram-${++count}`
  const svg = renderMermaidSVG(source, {
    bg: 'var(--vp-c-bg)',
    fg: 'var(--vp-c-text-1)',
    muted: 'var(--vp-c-text-2)',
    font: 'inherit',
    nodeSpacing: 16,
    layerSpacing: 28,
    transparent: true,
    padding: 8,
  })
  // It may shrink to three quarters; below that its text is too small, and it scrolls.
  const width = Number(/ width="([\d.]+)"/.exec(svg)?.[1] ?? 600)
  const size = `width: ${width}px; min-width: ${width * 0.75}px; max-width: 100%; height: auto`
  return (
    svg
      .replaceAll(/@import url\([^)]*\);?/g, '')
      // The styles of a drawing hold for the whole page otherwise.
      .replaceAll(/^( *)(text|svg) \{/gm, '$1.diagram $2 {')
      .replace('<svg ', '<svg role="img" aria-label="A diagram; its text follows" ')
      .replace(/ style="/, ` style="${size}; `)
      .replaceAll(/\bid="([^"]+)"/g, `id="${id}-$1"`)
      .replaceAll(/url\(#([^)]+)\)/g, `url(#${id}-$1)`)
  )
}
