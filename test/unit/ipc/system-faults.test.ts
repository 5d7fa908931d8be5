/** What the systems' codes become: the same fault on every system. */
import { expect, test } from "vitest";
import { IpcError } from "../../../src/ipc/ipc-error.ts";
import { faultOfCode, ipcErrorFrom } from "../../../src/ipc/system-faults.ts";

/** A fault as POSIX and as Windows say it. */
test.each([
  ["not-found", ["ENOENT", "ECONNREFUSED"], ["ERROR_FILE_NOT_FOUND", "ERROR_PATH_NOT_FOUND"]],
  ["in-use", ["EEXIST", "EADDRINUSE"], ["ERROR_ALREADY_EXISTS"]],
  ["busy", ["EAGAIN", "EBUSY"], ["ERROR_BUSY", "ERROR_PIPE_BUSY"]],
  ["timeout", ["ETIMEDOUT"], ["ERROR_SEM_TIMEOUT", "ERROR_TIMEOUT", "WAIT_TIMEOUT"]],
  ["broken", ["EPIPE", "ECONNRESET"], ["ERROR_BROKEN_PIPE", "ERROR_NO_DATA", "ERROR_HANDLE_EOF"]],
  ["not-connected", ["ENOTCONN"], ["ERROR_PIPE_NOT_CONNECTED", "ERROR_PIPE_LISTENING"]],
  ["too-large", ["EMSGSIZE", "EFBIG"], ["ERROR_INSUFFICIENT_BUFFER", "ERROR_MORE_DATA"]],
  ["full", ["ENOSPC", "ENOMEM", "EMFILE"], ["ERROR_NOT_ENOUGH_MEMORY", "ERROR_NO_SYSTEM_RESOURCES"]],
  ["access-denied", ["EACCES", "EPERM"], ["ERROR_ACCESS_DENIED", "ERROR_PRIVILEGE_NOT_HELD"]],
  ["invalid", ["EINVAL", "ENAMETOOLONG"], ["ERROR_INVALID_NAME", "ERROR_INVALID_PARAMETER"]],
  ["unsupported", ["ENOSYS", "ENOTSUP"], ["ERROR_NOT_SUPPORTED", "ERROR_REMOTE_MAILSLOTS_DEPRECATED"]],
  ["system", ["EXDEV"], ["ERROR_CRC"]],
])("%s", (fault, posix, windows) => {
  for (const code of [...posix, ...windows]) expect(faultOfCode(code), code).toBe(fault);
});

test("an error of the addon's says what was to be done, why not, and what to do", () => {
  const thrown = Object.assign(new Error("Address already in use"), {
    code: "EADDRINUSE",
    errno: 98,
    syscall: "bind",
  });
  const error = ipcErrorFrom(thrown, 'make the pipe "shop"', { "in-use": "Choose another name" });
  expect(error).toBeInstanceOf(IpcError);
  expect(error).toMatchObject({
    message: 'Cannot make the pipe "shop": Address already in use. Choose another name',
    fault: "in-use",
    code: "EADDRINUSE",
    systemCode: 98,
    systemCall: "bind",
    cause: thrown,
  });
});

test("what the addon does not know is told as it is", () => {
  const refused = new TypeError("a name, please");
  expect(ipcErrorFrom(refused, "anything")).toBe(refused);
  expect(ipcErrorFrom("nonsense", "open it")).toMatchObject({
    message: "Cannot open it: nonsense",
    fault: "system",
  });
});
