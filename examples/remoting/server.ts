import { serve } from "remoting";
import { ClientActivatedObject, SingleCallObject, SingletonObject } from "./contract.ts";

const url = process.env.REMOTING_CHANNEL ?? "tcp://127.0.0.1:6100";
const host = await serve(url, [SingleCallObject, SingletonObject, ClientActivatedObject]);
console.log(`three services at ${host.urls}`);
