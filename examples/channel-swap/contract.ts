import { MarshalByRefObject, SingleCall } from "remoting";

@SingleCall()
export class Thesaurus extends MarshalByRefObject {
  synonymsOf(word: string): string[] {
    return word === "quick" ? ["fast", "swift", "rapid"] : [];
  }
}
