/** Dark and light: as the system says, until the visitor chooses. */
const STORED = 'gannet-theme'

/** Wires the toggle; calls `changed` after each change of colours. */
export function startTheme(button: HTMLButtonElement, changed: () => void): void {
  const root = document.documentElement
  const isDark = () => root.dataset['theme'] === 'dark'
  const show = (theme: 'dark' | 'light') => {
    root.dataset['theme'] = theme
    label()
    changed()
  }
  const label = () => {
    button.textContent = isDark() ? 'Light' : 'Dark'
    button.setAttribute('aria-label', isDark() ? 'Switch to light colours' : 'Switch to dark colours')
  }
  label()
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark'
    remember(theme)
    show(theme)
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
    if (!remembered()) show(event.matches ? 'dark' : 'light')
  })
}

/** Storage is refused in some private windows; the choice then lasts as long as the page. */
function remember(theme: string): void {
  try {
    localStorage.setItem(STORED, theme)
  } catch {}
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED)
  } catch {
    return null
  }
}
