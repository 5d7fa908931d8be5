/** `shm://name`: two rings in memory that two processes of one user share. The fastest way between them. */
import type { RingEndpoint } from "../../ipc/rings/native-rings.ts";
import { connectRings, listenForRings, processorCount } from "../../ipc/rings/native-rings.ts";
import {
  type Connection,
  duplexCapabilities,
  type Principal,
  type Transport,
  type TransportListener,
} from "../../spi.ts";
import { checkShmAddress } from "./shm-address.ts";
import { ShmConnection } from "./shm-connection.ts";
import { Spinner } from "./spinner.ts";

/** What can be chosen; all of it has defaults. */
export interface ShmOptions {
  /**
   * Microseconds to wait busily for the next message before sleeping. 0 never does. Default 50 where there are at least
   * two processors, which is longer than a peer that is awake takes to answer, and shorter than it takes to wake one
   * that is not; 0 on a machine with one processor, where it would keep the peer from running.
   */
  readonly spinMicroseconds?: number;
  /**
   * Bytes of each of the two rings that a server gives each client: a power of two from 65,536 to 67,108,864.
   * Default 2,097,152, as much as a sender has under way of large payloads: then it seldom has to wait for room. All of
   * it is allocated when a client connects, so make it smaller where many do and payloads are small. Messages may be
   * larger: they stream through.
   */
  readonly ringBytes?: number;
}

const defaultSpinMicroseconds = 50;
const longestSpinMicroseconds = 1_000_000;
const defaultRingBytes = 2 * 1024 * 1024;

/** What is read at once: fits into the processor's cache, and is shared by all connections. */
const readBufferSize = 256 * 1024;

/** See the head of this file. */
export class ShmTransport implements Transport {
  readonly scheme = "shm";
  readonly authenticatesPeers = true;
  readonly capabilities = { ...duplexCapabilities, peerIdentity: true };
  readonly #ringBytes: number;
  readonly #spin: number | undefined;
  #spinner: Spinner | undefined;
  readonly #memory = Buffer.allocUnsafeSlow(readBufferSize);

  /** Throws TypeError for options that cannot be. */
  constructor(options: ShmOptions = {}) {
    const spin = options.spinMicroseconds;
    if (spin !== undefined && !(Number.isInteger(spin) && spin >= 0 && spin <= longestSpinMicroseconds)) {
      throw new TypeError(
        `spinMicroseconds must be a whole number from 0 to ${longestSpinMicroseconds}, not ${spin}`,
      );
    }
    this.#spin = spin;
    this.#ringBytes = options.ringBytes ?? defaultRingBytes;
    const exponent = Math.log2(this.#ringBytes);
    if (!Number.isInteger(exponent) || exponent < 16 || exponent > 26) {
      throw new TypeError(`ringBytes must be a power of two from 65536 to 67108864, not ${this.#ringBytes}`);
    }
  }

  connect(address: string, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      checkShmAddress(address);
      const onAbort = () => {
        meeting.close();
        reject(signal.reason);
      };
      const over = () => {
        signal.removeEventListener("abort", onAbort);
        meeting.close();
      };
      const meeting = connectRings(
        address,
        (endpoint) => {
          over();
          resolve(this.#connection(endpoint, address));
        },
        (error) => {
          over();
          reject(error);
        },
      );
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  isLocal(): boolean {
    return true;
  }

  async listen(
    address: string,
    accept: (connection: Connection) => void,
    onFailed: (error: Error) => void,
  ): Promise<TransportListener> {
    checkShmAddress(address);
    const onMet = (endpoint: RingEndpoint) =>
      accept(this.#connection(endpoint, `${address} (process ${endpoint.peer().processId})`));
    const meeting = listenForRings(address, this.#ringBytes, onMet, onFailed);
    return { address, close: async () => meeting.close() };
  }

  #connection(endpoint: RingEndpoint, peerName: string): Connection {
    const { userId, userName } = endpoint.peer();
    const name = userName === "" ? userId : userName;
    const principal: Principal = { name, roles: [], authenticatedBy: "operating-system" };
    // Only now: whoever merely makes a channel does not load the addon.
    this.#spinner ??= new Spinner(
      1000 * (this.#spin ?? (processorCount() > 1 ? defaultSpinMicroseconds : 0)),
    );
    return new ShmConnection(endpoint, this.#memory, this.#spinner, peerName, principal);
  }
}
