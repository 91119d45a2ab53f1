/** The way onto a phone: the address of this page on the local network, and as a QR code. */
import { renderSVG } from 'uqr'
import { element, setText } from './elements.ts'
import type { Place } from './place.ts'

/** Wires the button; it shows itself once there is an address that a phone can reach. */
export async function startPhone(place: Place): Promise<void> {
  const button = element('phone', HTMLButtonElement)
  const dialog = element('phone-dialog', HTMLDialogElement)
  const address = await addressFor(place)
  if (address === undefined) return
  const link = element('phone-address', HTMLAnchorElement)
  setText(link, address)
  link.href = address
  // Black on white whatever the page's colours are: readers expect it.
  element('phone-code', HTMLDivElement).innerHTML = renderSVG(address, { border: 2 })
  button.hidden = false
  button.addEventListener('click', () => dialog.showModal())
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close()
  })
}

async function addressFor(place: Place): Promise<string | undefined> {
  if (place.kind === 'local') return location.protocol.startsWith('http') ? location.href : undefined
  // A page that was opened by its address on the network knows it.
  if (!['localhost', '127.0.0.1', '[::1]'].includes(location.hostname)) return location.origin
  try {
    const { lanAddress } = await place.conditions()
    return lanAddress === undefined || lanAddress === '127.0.0.1' ? undefined : `http://${lanAddress}:${location.port}/`
  } catch {
    return undefined
  }
}
