/** Names of pipes: Windows' own form, and plain ones, on every system. */
import { IpcError } from "../ipc-error.ts";

/** The longest name, with `\\.\pipe\` in front of it, that Windows takes. */
const longestName = 256;
const prefix = "\\\\.\\pipe\\";

/**
 * The name without `\\.\pipe\`. Upper and lower case are the same, as on Windows.
 *
 * @throws IpcError `"invalid"` if it is not a name, `"unsupported"` if it is one on another machine.
 */
export function parsePipeName(name: string): string {
  if (typeof name !== "string")
    throw new TypeError(`The name of a pipe must be a string, not ${typeof name}`);
  const windowsName = /^(?:\\\\|\/\/)([^\\/]+)[\\/]pipe[\\/](.*)$/is.exec(name);
  if (windowsName !== null && windowsName[1] !== ".") {
    throw new IpcError(
      "unsupported",
      `"${name}" is a pipe of the machine ${windowsName[1]}: only pipes of this machine, ${prefix}name, can be used; between machines use tcp://`,
    );
  }
  const local = windowsName?.[2] ?? name;
  if (local === "" || /[\\/\0]/.test(local) || local === "." || local === "..") {
    throw new IpcError(
      "invalid",
      `"${name}" is not the name of a pipe: expected a name without slashes, for example HelloWorld or ${prefix}HelloWorld`,
    );
  }
  if (prefix.length + local.length > longestName) {
    throw new IpcError(
      "invalid",
      `A pipe's name may have ${longestName - prefix.length} characters, not ${local.length}`,
    );
  }
  return local;
}
