import type { Restart } from '../../scheduling/sample.ts'
import type { PageNode } from '../page-events.ts'
import { formatTime } from './durations.ts'
import { find, make, setText } from './element.ts'
import { confirm } from './confirm.ts'
import { notify } from './notice.ts'
import { post } from './requests.ts'
import { Roving } from './roving.ts'

const shownRestarts = 6

function cell(className: string, ...content: Node[]): HTMLSpanElement {
  const element = make('span', className, ...content)
  element.role = 'gridcell'
  return element
}

/**
 * Shows one part of the tree. For screen readers it is a row of a grid, because a row may contain a button, and the
 * text of a row is its name. The lists around the rows only indent them.
 */
class NodeView {
  readonly item = make('li')
  readonly #path: string
  readonly #row: HTMLDivElement
  readonly #name = cell('name')
  readonly #status = make('span', 'hidden')
  readonly #text = make('span')
  readonly #what = cell('what', this.#status, this.#text)
  readonly #mailbox = make('span', 'badge')
  readonly #restarts = make('span', 'badge')
  readonly #children = make('ul')
  readonly #kill: HTMLButtonElement | null

  constructor(node: PageNode, isRoot: boolean, level: number) {
    this.#path = node.path
    this.#kill = isRoot ? null : this.#killButton(node.id)
    const badges = cell('badges', this.#mailbox, this.#restarts)
    const actions = cell('actions', ...(this.#kill === null ? [] : [this.#kill]))
    const dot = make('span', 'dot')
    dot.ariaHidden = 'true'
    this.#row = make('div', 'node', dot, this.#name, this.#what, badges, actions)
    this.#row.role = 'row'
    this.#row.tabIndex = -1
    this.#row.ariaLevel = String(level)
    this.#row.dataset['path'] = node.path
    this.#children.role = 'none'
    this.item.role = 'none'
    this.item.dataset['path'] = node.path
    this.item.append(this.#row, this.#children)
    setText(this.#name, node.id)
  }

  #killButton(id: string): HTMLButtonElement {
    const button = make('button', 'small', 'Kill')
    button.type = 'button'
    button.tabIndex = -1
    button.ariaLabel = `Kill ${id}`
    button.addEventListener('click', () => void kill(this.#path))
    return button
  }

  show(node: PageNode, views: Map<string, NodeView>, level: number): void {
    this.item.dataset['status'] = node.status
    // A part that has stopped cannot be killed, so it has no button.
    if (this.#kill !== null) this.#kill.hidden = node.status !== 'running'
    const isRunning = node.status === 'running'
    const what = `${node.kind}${node.activity === '' ? '' : `, ${node.activity}`}`
    // The dot of a part shows that it runs. The text `running` is only for screen readers.
    this.#status.classList.toggle('hidden', isRunning)
    setText(this.#status, `${node.status}, `)
    setText(this.#text, what)
    const shown = isRunning ? what : `${node.status}, ${what}`
    this.#what.title = node.lastExit === null ? shown : `${shown}; ended last: ${node.lastExit}`
    this.#mailbox.hidden = node.mailbox === 0
    setText(this.#mailbox, `mailbox ${node.mailbox}`)
    this.#restarts.hidden = node.restarts === 0
    setText(this.#restarts, node.restarts === 1 ? '1 restart' : `${node.restarts} restarts`)
    this.#children.hidden = node.children.length === 0
    const items = node.children.map((child) => {
      let view = views.get(child.path)
      if (view === undefined) {
        view = new NodeView(child, false, level + 1)
        views.set(child.path, view)
      }
      view.show(child, views, level + 1)
      return view.item
    })
    const before = [...this.#children.children]
    const isSame = before.length === items.length && items.every((item, i) => item === before[i])
    if (!isSame) this.#children.replaceChildren(...items)
  }

  flash(): void {
    this.item.classList.remove('flash')
    // Reading the layout makes the browser see that the animation was removed. Otherwise it would not begin again.
    void this.item.offsetWidth
    this.item.classList.add('flash')
  }
}

async function kill(path: string): Promise<void> {
  if (!(await confirm(`Kill ${shorten(path)}? Its supervisor starts it again.`, 'Kill'))) return
  if ((await post('actors/kill', { path })) !== null) notify(`${shorten(path)} is killed`)
}

/** Returns a path without the root, with which all paths begin. */
function shorten(path: string): string {
  return path.replace(/^\/[^/]+\//, '')
}

/** Shows the supervised tree and its latest restarts. */
export class TreeView {
  readonly #tree = find('tree', HTMLDivElement)
  readonly #restarts = find('restarts', HTMLOListElement)
  readonly #views = new Map<string, NodeView>()
  readonly #roving = new Roving(this.#tree, () => [
    ...this.#tree.querySelectorAll<HTMLElement>('[role="row"]'),
  ])

  constructor() {
    this.#tree.addEventListener('keydown', (event) => {
      if (event.key !== 'k' || event.ctrlKey || event.metaKey || event.altKey) return
      const path = this.#roving.current?.dataset['path']
      if (path !== undefined) void kill(path)
    })
  }

  focus(): void {
    this.#roving.focus()
  }

  show(root: PageNode): void {
    let view = this.#views.get(root.path)
    if (view === undefined) {
      view = new NodeView(root, true, 1)
      this.#views.set(root.path, view)
      const list = make('ul', '', view.item)
      list.role = 'none'
      this.#tree.replaceChildren(list)
    }
    view.show(root, this.#views, 1)
    for (const [path, each] of this.#views) if (!each.item.isConnected) this.#views.delete(path)
    this.#roving.update()
  }

  /** Shows the restarts so far, given with the oldest first. */
  beginRestarts(restarts: readonly Restart[]): void {
    this.#restarts.replaceChildren()
    this.#prepend(restarts)
  }

  /** Shows new restarts. The parts that were restarted flash. */
  showRestarts(restarts: readonly Restart[]): void {
    for (const { path } of restarts) this.#views.get(path)?.flash()
    this.#prepend(restarts)
  }

  #prepend(restarts: readonly Restart[]): void {
    for (const { at, path, reason } of restarts.slice(-shownRestarts)) {
      const when = new Date(at)
      const time = make('time', '', formatTime(when))
      time.dateTime = when.toISOString()
      this.#restarts.prepend(make('li', '', time, ` ${shorten(path)}: ${reason}`))
    }
    while (this.#restarts.children.length > shownRestarts) this.#restarts.lastChild?.remove()
  }
}
