import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DefaultTheme } from 'vitepress'

/** One sidebar a package: one for all of them would be repeated in each page, and make the site five times as large. */
export function referenceSidebars(folder: string): DefaultTheme.SidebarMulti {
  const file = join(folder, 'typedoc-sidebar.json')
  if (!existsSync(file)) return {}
  const packages = JSON.parse(readFileSync(file, 'utf8')) as DefaultTheme.SidebarItem[]
  return Object.fromEntries(
    packages.map((item) => [
      `/reference/api/${item.text}/`,
      [
        { text: 'All packages', link: '/reference/api/' },
        { text: `@tasktree/${item.text}`, link: item.link, items: item.items?.map(open) },
      ] as DefaultTheme.SidebarItem[],
    ]),
  )
}

/** The same item, which cannot be folded: a heading that folds holds a button in a button, which screen readers cannot reach. */
function open({ text, link, items }: DefaultTheme.SidebarItem): DefaultTheme.SidebarItem {
  return {
    ...(text !== undefined && { text }),
    ...(link !== undefined && { link }),
    ...(items !== undefined && { items: items.map(open) }),
  }
}
