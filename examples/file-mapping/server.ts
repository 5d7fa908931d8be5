// The first process: makes the memory, writes into it, and keeps it until the second one has read.
import { FileMapping, NamedEvent } from "remoting/ipc";

using mapping = FileMapping.create({ name: "Local\\HelloWorld", size: 4096 });
using view = mapping.createView();
await using wasRead = NamedEvent.create({ name: "Local\\HelloWorldRead" });

const message = Buffer.from("Message from the first process", "utf8");
view.writeInt32(0, message.length);
view.write(4, message);
console.log(`wrote ${message.length} bytes into ${mapping.name}`);

await wasRead.wait();
console.log("the other process has read them");
