import { find, setText } from './element.ts'

const dialog = find('confirm', HTMLDialogElement)

/** Asks the user before an action that cannot be undone. Returns true if the answer is yes. */
export function confirm(question: string, yes: string): Promise<boolean> {
  setText(find('confirm-text', HTMLParagraphElement), question)
  const button = find('confirm-yes', HTMLButtonElement)
  setText(button, yes)
  dialog.returnValue = ''
  dialog.showModal()
  button.focus()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
