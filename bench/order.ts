// The object that W3 echoes: 20 fields in nested objects, 976 bytes as JSON, the same in every run.

export interface Order {
  readonly identifier: string;
  readonly revision: number;
  readonly note: string;
  readonly customer: {
    readonly identifier: number;
    readonly name: string;
    readonly email: string;
    readonly verified: boolean;
    readonly address: {
      readonly street: string;
      readonly city: string;
      readonly postalCode: string;
      readonly country: string;
    };
  };
  readonly payment: {
    readonly method: string;
    readonly currency: string;
    readonly amount: number;
    readonly authorization: string;
    readonly settled: boolean;
  };
  readonly shipment: {
    readonly carrier: string;
    readonly tracking: string;
    readonly weight: number;
    readonly instructions: string;
  };
}

export const order: Order = {
  identifier: "ord_01HF7YAT4Z2M3Q8K6B5N9C0D1E",
  revision: 7,
  note:
    "Second delivery attempt; the first parcel came back because nobody was at home that day. " +
    "Please telephone an hour before you call at the house.",
  customer: {
    identifier: 48_213_907,
    name: "Ada Augusta King-Noel, Countess of Lovelace",
    email: "ada.lovelace@analytical-engine.example",
    verified: true,
    address: {
      street: "12 St James's Square, second floor, ring twice",
      city: "London, City of Westminster",
      postalCode: "SW1Y 4JH",
      country: "United Kingdom of Great Britain",
    },
  },
  payment: {
    method: "card ending in 4242, expires 04/2029",
    currency: "GBP",
    amount: 1_249.95,
    authorization: "auth_7f3c2b9e5d8a41c6b0e9f2a7d4c8135e",
    settled: false,
  },
  shipment: {
    carrier: "Pneumatic Dispatch Company Limited",
    tracking: "PDC-1863-0220-EUSTON-NWDO-000417",
    weight: 3.25,
    instructions:
      "Leave it with the porter at the side entrance; the crate is heavy, holds brass gears, " +
      "and must stay upright on every leg of the way",
  },
};
