import type { ChannelKind } from './events.ts'

/**
 * Counters and estimates of one endpoint. One live object: read it, do not keep copies of its fields.
 * Counters only grow. Times are ms; `NaN` means that nothing was measured yet.
 */
export interface EndpointStats {
  /** Round trips measured so far. */
  rttSamples: number
  /** Smoothed round-trip time, ms, without the peer's ack delay (RFC 6298, gain 1/8). */
  rttMs: number
  /** Mean deviation of the round-trip time, ms (RFC 6298, gain 1/4). */
  rttVarMs: number
  /** Newest sample, ms. */
  rttLatestMs: number
  /** Smallest sample of the last 10 to 20 s, ms (a windowed minimum, as in RFC 9002, section 5.2). */
  rttMinMs: number
  /** Mean variation of the one-way delay of packets from the peer, ms (RFC 3550, section 6.4.1). */
  jitterMs: number
  /** The same for our packets, ms, from the instants of arrival that acks tell. */
  jitterUpMs: number
  /** Share of our packets that were lost, 0 to 1, smoothed over about 512 packets (gain 1/512), each once its fate is final. */
  lossUp: number
  /** Share of the peer's packets that were lost, 0 to 1, smoothed over about 512 packets, as the gaps in its numbers tell. */
  lossDown: number
  /** As `lossUp`, over about 200 packets: what decides about copies. At least 0.0005; 0.01 is assumed before anything is known. */
  lossUpRecent: number
  /** As `lossDown`, over about 200 packets. `NaN` before the first is judged. */
  lossDownRecent: number
  /**
   * Mean run of lost packets of ours, packets a tick apart: 1 / (1 − P(lost | the one before was)), that chance measured over the
   * last 79 losses or so (Gilbert 1960). 1 / (1 − loss) where losses are independent.
   */
  burstUp: number
  /** The same for packets from the peer, in the order of its numbers; `NaN` before a loss. */
  burstDown: number
  /**
   * Queue that stands on the path in our direction, ms: the smallest transit time of the last eighth of a round trip above the
   * smallest of the last 5 to 10 s, from the instants of arrival that acks tell. 0 to 8,192. Packets that were seen to wait below
   * us do not count.
   */
  queueMs: number
  /**
   * Queue that stands in the peer's direction, ms: the smallest transit time of the last 25 to 50 ms with packets above the smallest of the
   * last 5 to 10 s, from the peer's timestamps.
   */
  queueDownMs: number
  /** Bytes of our packets that the peer confirms per second, over the last quarter of a round trip (at least 20 ms) with news; 0 before. */
  deliveryRate: number
  /** Bytes of the peer's packets that come per second, over the last quarter of a second or more with packets; 0 before. */
  deliveryRateDown: number
  /** Bytes of packets that may be unconfirmed at once, as the congestion controller says; `Infinity` with `congestion: 'fixed'`. */
  windowBytes: number
  /** Bytes per second at which fragments of large reliable messages leave, at most. */
  paceRate: number
  /** What held back the last packet that did not leave although something waited for it. */
  limitedBy: SendLimit
  /** Ticks whose data was held back, by what held it. Reliable data waits, newer state replaces it. */
  heldTicks: HeldTicks

  packetsSent: number
  packetsReceived: number
  /** Our packets that the peer confirmed. */
  packetsAcked: number
  /** Our packets declared lost; a late ack takes one back, also after its messages got their verdict. */
  packetsLost: number
  /** The peer's packets that never came, as the gaps in its numbers tell. A late one takes it back. */
  packetsMissed: number
  /** Bytes of packets handed out, without what the layers below add. */
  bytesSent: number
  bytesReceived: number
  /** Estimate of what the sent packets cost on the wire: 93 B of IP, UDP, DTLS and SCTP each. */
  wireBytesSent: number
  wireBytesReceived: number
  /** Bytes of our packet headers, acks included. */
  headerBytesSent: number
  /** Payload bytes that the game sent, each message once. */
  appBytesSent: number
  appBytesReceived: number

  messagesSent: number
  messagesReceived: number
  messagesAcked: number
  messagesLost: number
  messagesExpired: number
  messagesReplaced: number
  /** Messages or fragments put into a packet again because a copy was lost. */
  resends: number
  /**
   * Of these, the ones for nothing: the copy that was taken for lost was confirmed after all, before the other was. The rest were
   * needed. What was sent twice without such a cause is in `copies`.
   */
  resendsSpurious: number
  /** Copies sent although none was known to be lost, and second copies of resends (`redundancy`). */
  copies: number
  /** Combinations of fragments sent when nothing new was left of a large message, so that a loss at its end costs no round trip. */
  repairs: number
  /** Reliable messages and fragments that came again and were dropped. */
  duplicateMessages: number
  /** Messages of `sequenced` and `latest` channels that were dropped for a newer one of their key, because the game did not poll. */
  messagesUnread: number
  /** Messages that their channel's codec could not read, each told by an `undecodable` event. */
  messagesUndecodable: number

  /** Bytes of messages waiting for their first packet. */
  queuedBytes: number
  queuedMessages: number
  /** Bytes that wait below us, as the driver last told. */
  backlogBytes: number
  /** Packets sent and not yet confirmed or lost. */
  packetsInFlight: number
  bytesInFlight: number

  /** Packets that were heard before. */
  packetsDuplicate: number
  /** Packets older than the ack window. */
  packetsStale: number
  /** Packets refused because the game does not poll its events, or a buffer was full; they come again. */
  packetsRefused: number
  /** Packets that are not our language. */
  packetsMalformed: number
  /** What was wrong with them, by name. */
  refusals: RefusalCounts

  /** The same per channel, in the order of the channel table. */
  readonly channels: ChannelStats[]

  /** By the number of the pipe that the driver named for each packet. */
  readonly pipes: PipeStats[]

  /** Blocks the pool had to allocate because none was free. */
  poolMisses: number
  /** Blocks given back to a full pool. */
  poolDiscards: number
}

/** What became of the packets that one pipe took. */
export interface PipeStats {
  packetsSent: number
  packetsAcked: number
  packetsLost: number
  /** Packets declared lost since one was acked. */
  lostInRow: number
  /**
   * Packets declared lost since one was acked in time: a late ack, of one that had been declared lost, ends no such row. SCTP may keep what
   * it is given for a second and more, and say nothing of it.
   */
  lateInRow: number
}

/** What one channel carried; counters only grow, except what is queued. */
export interface ChannelStats {
  readonly name: string
  readonly kind: ChannelKind
  messagesSent: number
  messagesReceived: number
  /** Payload bytes that the game sent, each message once. */
  appBytesSent: number
  appBytesReceived: number
  /** Bytes of messages waiting for their first packet. */
  queuedBytes: number
  queuedMessages: number
  /** Messages or fragments put into a packet again because a copy was lost. */
  resends: number
  /** Copies sent although none was known to be lost, and second copies of resends. */
  copies: number
  messagesAcked: number
  /** Messages with the verdict `lost`. */
  messagesLost: number
  /** Messages that the channel's codec could not read. */
  messagesUndecodable: number
}

/** What keeps a packet from leaving. */
export type SendLimit =
  /** Nothing: all that waited has left. */
  | 'nothing'
  /** `backlogBytes`: the layers below have not sent what they were given. */
  | 'backlog'
  /** The congestion window is full of unconfirmed packets. */
  | 'window'
  /** The window has room, but its packets are spread over time. */
  | 'pace'
  /** `bytesPerSecond`. */
  | 'rate'
  /** As many packets are unconfirmed as can be remembered. */
  | 'packets'
  /** Nothing comes back; only pings leave, so that nothing is old when the path is back. */
  | 'silence'
  /** The layers below carry less than the game sends: ticks are left out evenly. */
  | 'share'

/** Ticks of the game that could not send all they had. */
export interface HeldTicks {
  /** The layers below still held packets of earlier ticks. */
  backlog: number
  /** Nothing came back. */
  silence: number
  /** Left out so that the others leave at once: the layers below carry less than the game sends. */
  share: number
}

/** Hostile or broken input, counted under its own name. */
export interface RefusalCounts {
  /** Ends early, has bytes left over, or uses an encoding that is not the shortest. */
  encoding: number
  /** Acknowledges a packet that was never sent. */
  ackOfUnsent: number
  /** Names a channel that is not in the table, or a record its kind does not have. */
  unknownChannel: number
  /** A message id far outside the window of its channel. */
  idOutOfWindow: number
  /** A message above the channel's `maxMessageBytes`. */
  messageTooLarge: number
  /** A fragment that contradicts the others of its message. */
  badFragment: number
  /** More unfinished fragmented messages, or more of their bytes, than the channel may hold. */
  reassemblyFull: number
  /** More keys than the channel may hold. */
  tooManyKeys: number
  /** A handshake or control record that has no place in the present state. */
  unexpected: number
}

/** Fresh statistics: nothing counted, nothing measured. */
export function createStats(): EndpointStats {
  return {
    rttSamples: 0,
    rttMs: Number.NaN,
    rttVarMs: Number.NaN,
    rttLatestMs: Number.NaN,
    rttMinMs: Number.NaN,
    jitterMs: Number.NaN,
    jitterUpMs: Number.NaN,
    lossUp: Number.NaN,
    lossDown: Number.NaN,
    lossUpRecent: Number.NaN,
    lossDownRecent: Number.NaN,
    burstUp: Number.NaN,
    burstDown: Number.NaN,
    queueMs: Number.NaN,
    queueDownMs: Number.NaN,
    deliveryRate: 0,
    deliveryRateDown: 0,
    windowBytes: Number.NaN,
    paceRate: Number.NaN,
    limitedBy: 'nothing',
    heldTicks: { backlog: 0, silence: 0, share: 0 },
    packetsSent: 0,
    packetsReceived: 0,
    packetsAcked: 0,
    packetsLost: 0,
    packetsMissed: 0,
    bytesSent: 0,
    bytesReceived: 0,
    wireBytesSent: 0,
    wireBytesReceived: 0,
    headerBytesSent: 0,
    appBytesSent: 0,
    appBytesReceived: 0,
    messagesSent: 0,
    messagesReceived: 0,
    messagesAcked: 0,
    messagesLost: 0,
    messagesExpired: 0,
    messagesReplaced: 0,
    resends: 0,
    resendsSpurious: 0,
    copies: 0,
    repairs: 0,
    duplicateMessages: 0,
    messagesUnread: 0,
    messagesUndecodable: 0,
    queuedBytes: 0,
    queuedMessages: 0,
    backlogBytes: 0,
    packetsInFlight: 0,
    bytesInFlight: 0,
    packetsDuplicate: 0,
    packetsStale: 0,
    packetsRefused: 0,
    packetsMalformed: 0,
    refusals: {
      encoding: 0,
      ackOfUnsent: 0,
      unknownChannel: 0,
      idOutOfWindow: 0,
      messageTooLarge: 0,
      badFragment: 0,
      reassemblyFull: 0,
      tooManyKeys: 0,
      unexpected: 0,
    },
    channels: [],
    pipes: [],
    poolMisses: 0,
    poolDiscards: 0,
  }
}

/** The entry of a pipe; made when it is first asked for. */
export function pipeStatsOf(stats: EndpointStats, pipe: number): PipeStats {
  return (stats.pipes[pipe] ??= { packetsSent: 0, packetsAcked: 0, packetsLost: 0, lostInRow: 0, lateInRow: 0 })
}

/** The entry of a channel; made when it is first asked for. */
export function channelStatsOf(
  stats: EndpointStats,
  { index, name, kind }: { index: number; name: string; kind: ChannelKind },
): ChannelStats {
  return (stats.channels[index] ??= {
    name,
    kind,
    messagesSent: 0,
    messagesReceived: 0,
    appBytesSent: 0,
    appBytesReceived: 0,
    queuedBytes: 0,
    queuedMessages: 0,
    resends: 0,
    copies: 0,
    messagesAcked: 0,
    messagesLost: 0,
    messagesUndecodable: 0,
  })
}
