import type { PageOutput } from '../page-events.ts'
import { find, make, setText } from './element.ts'

/**
 * The page shows at least this many characters from the beginning and from the end of an output. The server keeps as
 * many bytes.
 */
const headCharacters = 262_144
const tailCharacters = 786_432

/**
 * When the end has this many characters, it is shortened to `tailCharacters`. So the end is not shortened each time a
 * piece of output is added.
 */
const mostTailCharacters = 1_048_576

/** A block is closed at the first line end after this many characters. */
const blockCharacters = 16_384

const encoder = new TextEncoder()

/**
 * Shows the output of one attempt. Of long output it shows the beginning and the end, with a line between them.
 *
 * The text is in blocks that end where a line ends. The browser lays out only the blocks that have changed; without blocks it
 * would lay out the whole text, up to 1.3 million characters, each time a piece is added.
 */
export class OutputText {
  readonly #view = find('output-text', HTMLPreElement)
  /** The line that says how much output is left out. */
  readonly #gap = make('span', 'omitted')
  /**
   * Whether the end of the output is visible. If it is, it stays visible when text is added or the view becomes
   * smaller.
   */
  #isAtEnd = true
  #height = 0
  #omitted = 0
  #headLength = 0
  #tail: Text[] = []
  #tailLength = 0
  /** The block to which text is added, and how many characters were added to it; null when a new block must be begun. */
  #block: { element: HTMLElement; length: number } | null = null

  constructor() {
    this.#view.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#view
      // The height of the view has changed. The observer below handles that.
      if (clientHeight !== this.#height) return
      this.#isAtEnd = scrollHeight - scrollTop - clientHeight < 24
    })
    new ResizeObserver(() => {
      this.#height = this.#view.clientHeight
      this.#followEnd()
    }).observe(this.#view)
  }

  #followEnd(): void {
    if (this.#isAtEnd) this.#view.scrollTop = this.#view.scrollHeight
  }

  clear(): void {
    this.#view.replaceChildren()
    this.#isAtEnd = true
    this.#omitted = 0
    this.#headLength = 0
    this.#tail = []
    this.#tailLength = 0
    this.#block = null
  }

  /**
   * Shows the same output from its beginning again. The place that the reader has scrolled to stays.
   */
  replace(output: PageOutput): void {
    const { scrollTop } = this.#view
    const isAtEnd = this.#isAtEnd
    this.clear()
    this.#isAtEnd = isAtEnd
    this.add(output)
    if (!isAtEnd) this.#view.scrollTop = scrollTop
  }

  /** Adds a part of the output. If the end was visible, scrolls to the new end. */
  add({ head, omitted, text }: PageOutput): void {
    this.#addToHead(head)
    if (omitted > 0) this.#omit(omitted)
    if (this.#omitted === 0 && this.#headLength < headCharacters) this.#addToHead(text)
    else this.#addToTail(text)
    this.#followEnd()
  }

  #addToHead(text: string): void {
    this.#append(text)
    this.#headLength += text.length
  }

  #addToTail(text: string): void {
    this.#tail.push(...this.#append(text))
    this.#tailLength += text.length
    if (this.#tailLength > mostTailCharacters) this.#shorten(tailCharacters)
  }

  /** Adds the text to the last block, and to further blocks if it is long. */
  #append(text: string): Text[] {
    const nodes: Text[] = []
    for (let rest = text; rest !== '';) {
      const block = this.#openBlock()
      const lineEnd = rest.indexOf('\n', Math.max(0, blockCharacters - block.length))
      const node = new Text(lineEnd === -1 ? rest : rest.slice(0, lineEnd + 1))
      block.element.append(node)
      block.length += node.length
      if (lineEnd !== -1) this.#block = null
      rest = rest.slice(node.length)
      nodes.push(node)
    }
    return nodes
  }

  #openBlock(): { element: HTMLElement; length: number } {
    if (this.#block === null) {
      this.#block = { element: make('span', 'block'), length: 0 }
      this.#view.append(this.#block.element)
    }
    return this.#block
  }

  /** Removes the oldest texts of the end until it has at most `most` characters. */
  #shorten(most: number): void {
    let bytes = 0
    while (this.#tailLength > most) {
      const node = this.#tail.shift()
      if (node === undefined) break
      this.#tailLength -= node.length
      bytes += encoder.encode(node.data).length
      const block = node.parentElement
      node.remove()
      if (block?.hasChildNodes() !== false) continue
      block.remove()
      if (block === this.#block?.element) this.#block = null
    }
    this.#showGap(bytes)
  }

  /**
   * Called when output is missing between the shown text and the text that follows. Removes the end, because newer text
   * will be the end.
   */
  #omit(omitted: number): void {
    this.#shorten(0)
    this.#showGap(omitted)
  }

  #showGap(bytes: number): void {
    if (bytes === 0) return
    this.#omitted += bytes
    if (!this.#gap.isConnected) {
      const next = this.#tail[0]
      if (next === undefined) this.#openBlock().element.append(this.#gap)
      else next.before(this.#gap)
    }
    // The first text of a block is at the beginning of a line.
    const before = this.#gap.previousSibling?.textContent ?? '\n'
    const newLine = before.endsWith('\n') ? '' : '\n'
    const omitted = this.#omitted.toLocaleString()
    setText(this.#gap, `${newLine}[${omitted} bytes of output are left out here]\n`)
  }
}
