import { register, serve } from "remoting";
import { Weather } from "./contract.ts";
import { WeatherStation } from "./implementation.ts";

register(Weather, WeatherStation);
const host = await serve("tcp://127.0.0.1:6103");
console.log(`Serving at ${host.urls}`);
