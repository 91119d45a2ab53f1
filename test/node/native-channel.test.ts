import { transportContract } from '../transport/transport.contract.ts'
import { nativePair } from './native-pair.ts'

transportContract('a native DataChannel', nativePair)
