/**
 * Waits until the process that has started this one is gone, however it has ended, and then ends what that had started:
 * process groups. It reads their ids, a line each: positive when one begins, negative when it is over. At the end of what
 * there is to read nobody is there any more. A pipe keeps what was written last by a process that is killed.
 */
import { createInterface } from "node:readline";

const groups = new Set();
for await (const line of createInterface(process.stdin)) {
  const group = Number(line);
  if (group > 0) groups.add(group);
  else groups.delete(-group);
}
for (const group of groups) {
  try {
    process.kill(process.platform === "win32" ? group : -group, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
