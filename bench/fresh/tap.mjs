/** @typedef {import('../../src/transport/transport.ts').Transport} Transport */

/**
 * A transport that says when a packet has been taken, so that what it held is seen when it comes and not at the next tick.
 * @param {Transport} transport
 * @param {() => void} onTaken
 * @returns {Transport}
 */
export function tapped(transport, onTaken) {
  return {
    get maxPacketBytes() {
      return transport.maxPacketBytes
    },
    get backlogBytes() {
      return transport.backlogBytes
    },
    get pipe() {
      return transport.pipe ?? 0
    },
    watch: (pipes) => transport.watch?.(pipes),
    send: (packet) => transport.send(packet),
    close: () => transport.close(),
    get onEnd() {
      return transport.onEnd
    },
    set onEnd(onEnd) {
      transport.onEnd = onEnd
    },
    get onPacket() {
      return transport.onPacket
    },
    set onPacket(onPacket) {
      transport.onPacket = (packet) => {
        onPacket?.(packet)
        onTaken()
      }
    },
  }
}
