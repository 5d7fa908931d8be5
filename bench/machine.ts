// What the figures were measured on, which every report says.

import { cpus, type } from "node:os";

export const describeMachine = (): string => {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  return `${processors.length} × ${model}, ${type()}, Node ${process.version}`;
};
