// The second process: opens the memory by its name and reads.
import { FileMapping, NamedEvent } from "remoting/ipc";

using mapping = FileMapping.open("Local\\HelloWorld", { access: "read" });
using view = mapping.createView();
console.log(view.read(4, view.readInt32(0)).toString("utf8"));

await using wasRead = NamedEvent.open("Local\\HelloWorldRead");
wasRead.set();
