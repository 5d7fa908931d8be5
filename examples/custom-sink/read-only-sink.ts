// A message sink: it sees calls, with their arguments as values. This one lets nobody change anything.
import { AccessDeniedError, type MessageSink, type MessageSinkProvider } from "remoting/spi";

/** Refuses, on the server, every method whose name does not begin with one of the prefixes. */
export function readOnly(...prefixes: readonly string[]): MessageSinkProvider {
  const sink: MessageSink = {
    async processMessage(call, next) {
      if (prefixes.some((prefix) => call.method.startsWith(prefix))) return next(call);
      throw new AccessDeniedError(`${call.target}.${call.method} is refused: this server is read-only`);
    },
  };
  return { name: "read-only", createServerSink: () => sink };
}
