import type { Restart } from '../../scheduling/sample.ts'
import type { PageNode } from '../page-events.ts'
import { formatTime } from './durations.ts'
import { find, make, setText } from './element.ts'
import { confirm } from './confirm.ts'
import { notify } from './notice.ts'
import { post } from './requests.ts'
import { Roving } from './roving.ts'

const shownRestarts = 6

/** One part of the tree, as it stands in the page. */
class NodeView {
  readonly item = make('li')
  readonly #path: string
  readonly #name = make('span', 'name')
  readonly #what = make('span', 'what')
  readonly #mailbox = make('span', 'badge')
  readonly #restarts = make('span', 'badge')
  readonly #children = make('ul')
  readonly #kill: HTMLButtonElement | null

  constructor(node: PageNode, isRoot: boolean, level: number) {
    this.#path = node.path
    const row = make('div', 'node', make('span', 'dot'), this.#name, this.#what)
    row.append(this.#mailbox, this.#restarts)
    this.#kill = isRoot ? null : this.#killButton(node.id)
    if (this.#kill !== null) row.append(this.#kill)
    this.#children.role = 'group'
    this.item.role = 'treeitem'
    this.item.tabIndex = -1
    this.item.ariaLevel = String(level)
    this.item.dataset['path'] = node.path
    this.item.append(row, this.#children)
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
    // What has stopped cannot be killed.
    if (this.#kill !== null) this.#kill.hidden = node.status !== 'running'
    const status = node.status === 'running' ? '' : `${node.status}, `
    const what = `${status}${node.kind}${node.activity === '' ? '' : `, ${node.activity}`}`
    setText(this.#what, what)
    this.#what.title = node.lastExit === null ? what : `${what}; ended last: ${node.lastExit}`
    this.#mailbox.hidden = node.mailbox === 0
    setText(this.#mailbox, `mailbox ${node.mailbox}`)
    this.#restarts.hidden = node.restarts === 0
    setText(this.#restarts, node.restarts === 1 ? '1 restart' : `${node.restarts} restarts`)
    const restarts = node.restarts === 0 ? '' : `, ${this.#restarts.textContent}`
    const label = `${node.id}, ${node.kind}, ${node.status}${restarts}`
    if (this.item.ariaLabel !== label) this.item.ariaLabel = label
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
    const shown = [...this.#children.children]
    const isSame = shown.length === items.length && items.every((item, i) => item === shown[i])
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

/** A path without the root, with which all paths begin. */
function shorten(path: string): string {
  return path.replace(/^\/[^/]+\//, '')
}

/** The supervised tree, and its latest restarts. */
export class TreeView {
  readonly #list = find('tree', HTMLUListElement)
  readonly #restarts = find('restarts', HTMLOListElement)
  readonly #views = new Map<string, NodeView>()
  readonly #roving = new Roving(this.#list, () => [
    ...this.#list.querySelectorAll<HTMLElement>('[role="treeitem"]'),
  ])

  constructor() {
    this.#list.addEventListener('keydown', (event) => {
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
      this.#list.replaceChildren(view.item)
    }
    view.show(root, this.#views, 1)
    for (const [path, each] of this.#views) if (!each.item.isConnected) this.#views.delete(path)
    this.#roving.update()
  }

  /** The restarts so far, the oldest first. */
  beginRestarts(restarts: readonly Restart[]): void {
    this.#restarts.replaceChildren()
    this.#prepend(restarts)
  }

  /** Restarts of just now: their parts flash. */
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
