/** Makes errors of what the addon tells of a pipe. */
import { AbortError } from "../../errors.ts";
import { IpcError } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { faultOfCode } from "../system-faults.ts";
import { pipeCode } from "./native-pipes.ts";

/** The error for a code. `doing` is the beginning of a sentence: `The pipe "shop" cannot be read`. */
export function pipeFailure(code: number, doing: string): Error {
  switch (code) {
    case pipeCode.end:
      return new IpcError("broken", `${doing}: the other end has closed it`);
    case pipeCode.aborted:
      return new AbortError(`${doing}: the operation was aborted`);
    case pipeCode.protocol:
      return new IpcError("protocol", `${doing}: the other end sends what a pipe of this kind does not`);
    case pipeCode.messageCancelled:
      return new IpcError("broken", `${doing}: the other end gave up a message that it had begun to write`);
    case pipeCode.closed:
      return new IpcError("closed", `${doing}: it was closed here`);
    case pipeCode.busy:
      return new IpcError("busy", `${doing}: all its instances are connected; wait for one with a timeout`);
    case pipeCode.refused:
      return new IpcError(
        "access-denied",
        `${doing}: its server does not let clients go that way; choose the other direction`,
      );
    default: {
      const [name, text] = nativeAddon().describeSystemCode(code);
      return new IpcError(faultOfCode(name), `${doing}: ${text} (${name})`, { code: name, systemCode: code });
    }
  }
}
