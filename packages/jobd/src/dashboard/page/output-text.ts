import type { PageOutput } from '../page-events.ts'
import { find, make, setText } from './element.ts'

/**
 * The page shows at least this many characters from the beginning and from the end of an output. The server keeps as
 * many bytes.
 */
const headCharacters = 262_144
const tailCharacters = 786_432

/**
 * When the end has this many characters, it is shortened to `tailCharacters`. So this need not be done for each piece.
 */
const mostTailCharacters = 1_048_576

const encoder = new TextEncoder()

/** Shows the output of one attempt. Of long output it shows the beginning and the end, with a line between them. */
export class OutputText {
  readonly #view = find('output-text', HTMLPreElement)
  /** The line that says how much output is left out. */
  readonly #gap = make('span', 'omitted')
  /** Whether the end of the output is visible. Then it stays visible when text is added or the view becomes smaller. */
  #isAtEnd = true
  #height = 0
  #omitted = 0
  #headLength = 0
  #tail: Text[] = []
  #tailLength = 0

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
    if (text === '') return
    this.#view.append(text)
    this.#headLength += text.length
  }

  #addToTail(text: string): void {
    if (text === '') return
    const node = new Text(text)
    this.#view.append(node)
    this.#tail.push(node)
    this.#tailLength += text.length
    if (this.#tailLength > mostTailCharacters) this.#shorten(tailCharacters)
  }

  /** Removes the oldest texts of the end until it has at most `most` characters. */
  #shorten(most: number): void {
    let bytes = 0
    while (this.#tailLength > most) {
      const node = this.#tail.shift()
      if (node === undefined) break
      this.#tailLength -= node.length
      bytes += encoder.encode(node.data).length
      node.remove()
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
    if (!this.#gap.isConnected) this.#view.insertBefore(this.#gap, this.#tail[0] ?? null)
    const before = this.#gap.previousSibling?.textContent ?? '\n'
    const newLine = before.endsWith('\n') ? '' : '\n'
    const omitted = this.#omitted.toLocaleString()
    setText(this.#gap, `${newLine}[${omitted} bytes of output are left out here]\n`)
  }
}
