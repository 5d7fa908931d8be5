/** Names of mailslots: Windows' own form, and plain ones, on every system. */
import { IpcError } from "../ipc-error.ts";

/** The longest name, with `\\.\mailslot\` in front of it, that Windows takes. */
const longestName = 256;

/** What Windows' names of local mailslots begin with. */
export const mailslotPrefix = "\\\\.\\mailslot\\";

/**
 * The name without `\\.\mailslot\`. It may have a path of backslashes. Upper and lower case are the same, as on Windows.
 *
 * @throws IpcError `"invalid"` if it is not a name, `"unsupported"` if it is one of other machines.
 */
export function parseMailslotName(name: string): string {
  if (typeof name !== "string") {
    throw new TypeError(`The name of a mailslot must be a string, not ${typeof name}`);
  }
  const windowsName = /^\\\\([^\\/]+)\\mailslot\\(.*)$/is.exec(name);
  const [, machine, path] = windowsName ?? [];
  if (machine !== undefined && machine !== ".") {
    const whose = machine === "*" ? "all machines of the domain" : `the machine or domain ${machine}`;
    throw new IpcError(
      "unsupported",
      `"${name}" is a mailslot of ${whose}: only those of this machine, ${mailslotPrefix}name, can be used. Windows itself has switched off remote mailslots (ERROR_REMOTE_MAILSLOTS_DEPRECATED), and nothing proves who writes to them; between machines use tcps://`,
      { code: "ERROR_REMOTE_MAILSLOTS_DEPRECATED", systemCode: 3025 },
    );
  }
  const local = path ?? name;
  const parts = local.split("\\");
  const isBad =
    local.includes("/") || [...local].some((character) => character < " ") || parts.some(isNoPart);
  if (isBad) {
    throw new IpcError(
      "invalid",
      `"${name}" is not the name of a mailslot: expected HelloWorld, ${mailslotPrefix}HelloWorld, or ${mailslotPrefix}folder\\HelloWorld`,
    );
  }
  if (mailslotPrefix.length + local.length > longestName) {
    throw new IpcError(
      "invalid",
      `A mailslot's name may have ${longestName - mailslotPrefix.length} characters, not ${local.length}`,
    );
  }
  return local;
}

function isNoPart(part: string): boolean {
  return part === "" || part === "." || part === "..";
}
