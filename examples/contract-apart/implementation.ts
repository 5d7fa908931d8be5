import { SingleCall } from "remoting";
import { Weather } from "./contract.ts";

@SingleCall("Weather")
export class WeatherStation extends Weather {
  override async forecast(city: string): Promise<string> {
    return `${city}: sunny, 24 °C`;
  }
}
