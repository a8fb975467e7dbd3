import { find, setText } from './element.ts'

/** How many milliseconds a notice is shown. */
const shownFor = 5_000

const place = find('notice', HTMLDivElement)
let hiding = 0

/** Shows the result of an action for a while. */
export function notify(text: string): void {
  setText(place, text)
  clearTimeout(hiding)
  hiding = setTimeout(() => setText(place, ''), shownFor)
}
