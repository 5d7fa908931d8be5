// Loads the service definition that gRPC's server and client share. The `.proto` stays beside the sources,
// which are compiled to `dist/peers/grpc/`.

import { fileURLToPath } from "node:url";
import { loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const file = fileURLToPath(new URL("../../../peers/grpc/bench.proto", import.meta.url));
const loaded = loadPackageDefinition(loadSync(file, { defaults: true })) as unknown as {
  bench: { Bench: ServiceClientConstructor };
};

export const Bench = loaded.bench.Bench;

/** gRPC's own limit of 4 MiB is no part of what is measured. */
export const channelOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};
