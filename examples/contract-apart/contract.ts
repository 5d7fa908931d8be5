// Only a promise: clients see this and nothing of what is behind it.
import { MarshalByRefObject } from "remoting";

export abstract class Weather extends MarshalByRefObject {
  abstract forecast(city: string): Promise<string>;
}
