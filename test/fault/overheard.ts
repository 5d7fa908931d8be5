/** A connection to which somebody listens: what goes through it stays as it is. */
import type { Connection, ConnectionHandler } from "remoting/spi";

/** What is told of a connection. Both are called before what they tell of is passed on. */
export interface Listener {
  /** A message, or a piece of one, has come. */
  received(bytes: Buffer): void;
  /** A message is about to be sent. */
  sending?(memory: Buffer, length: number, tail: Uint8Array | undefined): void;
}

/** The same connection, overheard. */
export function overheard(connection: Connection, listener: Listener): Connection {
  const send: Connection["send"] = (memory, length, release, tail) => {
    listener.sending?.(memory, length, tail);
    connection.send(memory, length, release, tail);
  };
  const start = (handler: ConnectionHandler) =>
    connection.start({
      get messageLimit() {
        return handler.messageLimit;
      },
      onMessage(bytes, begin, end, remaining) {
        listener.received(bytes.subarray(begin, end));
        handler.onMessage(bytes, begin, end, remaining);
      },
      onInvalid: (reason) => handler.onInvalid(reason),
      onDrain: () => handler.onDrain(),
      onClose: (error) => handler.onClose(error),
    });
  return new Proxy(connection, {
    get(target, key) {
      if (key === "send") return send;
      if (key === "start") return start;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
