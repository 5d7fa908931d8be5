// A channel sink: it sees the bytes, with headers. This one notices what the network has changed.
import { createHash } from "node:crypto";
import { type ChannelSink, type ChannelSinkProvider, type Payload, SerializationError } from "remoting/spi";

const header = "sha-256";

const digestOf = (payload: Payload) => createHash("sha256").update(payload.body).digest("base64");

/** Sends a checksum with every payload, and refuses payloads that do not match theirs. Both ends need it. */
export function checksum(onChecked: (bytes: number) => void): ChannelSinkProvider {
  const sink: ChannelSink = {
    outgoing: (payload) => ({
      ...payload,
      headers: new Map([...payload.headers, [header, digestOf(payload)]]),
    }),
    incoming(payload) {
      if (payload.headers.get(header) !== digestOf(payload))
        throw new SerializationError("The checksum is wrong");
      onChecked(payload.body.length);
      return payload;
    },
  };
  return { name: "checksum", createSink: () => sink };
}
