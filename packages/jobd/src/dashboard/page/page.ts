import type { PageChanges, PageCounts, PageSnapshot } from '../page-events.ts'
import { AddForm } from './add-form.ts'
import { ControlsPanel } from './controls-panel.ts'
import { Charts } from './charts.ts'
import { LiveEvents } from './live-events.ts'
import { find, setText } from './element.ts'
import { JobTable } from './job-table.ts'
import { OutputPanel } from './output-panel.ts'
import { hasPassword, post } from './requests.ts'
import { TreeView } from './tree-view.ts'

const tree = new TreeView()
const charts = new Charts()
const output = new OutputPanel(
  () => events,
  (id) => {
    table.select(null)
    table.focusJob(id)
  },
)
const table = new JobTable((id) => {
  table.select(id)
  output.open(id)
})

const addForm = new AddForm()
const controls = new ControlsPanel()
const shortcuts = find('shortcuts', HTMLDialogElement)

function showCounts(counts: PageCounts): void {
  for (const [state, count] of Object.entries(counts))
    setText(find(`count-${state}`, HTMLSpanElement), count.toLocaleString())
}

function showRate(): void {
  const { last } = charts
  if (last !== undefined) setText(find('rate', HTMLSpanElement), last.done.toLocaleString())
}

let server: string | null = null

function begin(snapshot: PageSnapshot): void {
  server ??= snapshot.server
  if (server !== snapshot.server) {
    location.reload()
    return
  }
  addForm.show(snapshot.kinds)
  table.query.showKinds(Object.keys(snapshot.kinds))
  void controls.look()
  showCounts(snapshot.counts)
  tree.show(snapshot.tree)
  tree.beginRestarts(snapshot.restarts)
  charts.begin(snapshot.samples)
  showRate()
  table.begin(snapshot.progress)
}

function apply(changes: PageChanges): void {
  if (changes.counts !== undefined) showCounts(changes.counts)
  if (changes.tree !== undefined) tree.show(changes.tree)
  if (changes.restarts !== undefined) tree.showRestarts(changes.restarts)
  if (changes.samples !== undefined) {
    charts.add(changes.samples)
    showRate()
  }
  if (changes.deleted !== undefined) table.remove(changes.deleted)
  const { jobs = [], progress = [] } = changes
  if (jobs.length + progress.length === 0) return
  table.update(jobs, progress)
  if (jobs.some(({ id }) => id === output.id)) void output.refresh()
}

const logOut = find('log-out', HTMLButtonElement)
logOut.hidden = !hasPassword
logOut.addEventListener('click', () => {
  void post('logout').then(() => location.reload())
})

find('show-shortcuts', HTMLButtonElement).addEventListener('click', () => shortcuts.showModal())

const keys: Record<string, () => void> = {
  j: () => table.focus(),
  t: () => tree.focus(),
  n: () => addForm.focus(),
  '/': () => table.query.focus(),
  '[': () => table.query.turn(-1),
  ']': () => table.query.turn(1),
  '?': () => shortcuts.showModal(),
  Escape: () => output.close(),
}

document.addEventListener('keydown', (event) => {
  const { target, key } = event
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return
  if (document.querySelector('dialog[open]') !== null) return
  const isField =
    (target instanceof HTMLInputElement && target.type !== 'radio') ||
    target instanceof HTMLSelectElement
  if (isField && key !== 'Escape') return
  const act = keys[key]
  if (act === undefined) return
  event.preventDefault()
  if (isField) (target as HTMLElement).blur()
  else act()
})

const events = new LiveEvents({
  begin,
  apply,
  output: (event, part) => output.take(event, part),
})
