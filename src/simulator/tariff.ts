/** What a call costs, in US cents with its parts, as the provider itemises it. */

export interface ProductCost {
  readonly product: string;
  /** Cents per second. */
  readonly unit_price: number;
  readonly cost: number;
}

export interface CallCost {
  readonly product_costs: ProductCost[];
  readonly combined_cost: number;
  /** Not there for a call that never connected. */
  readonly total_duration_seconds?: number;
  readonly total_duration_unit_price?: number;
}

/** Of a call that never connected. */
export const NO_COST: CallCost = { product_costs: [], combined_cost: 0 };

const PRODUCTS = [
  ['elevenlabs_tts', 0.1167],
  ['gpt_4_1', 0.075],
  ['international_telephony', 0.025],
] as const;

const round = (cents: number): number => Math.round(cents * 10_000) / 10_000;

/** `fixedCents`: a script asked for exactly this. */
export function costOf(durationMs: number, fixedCents: number | null): CallCost {
  const seconds = Math.ceil(durationMs / 1000);
  if (fixedCents !== null) {
    return {
      product_costs: [{ product: 'elevenlabs_tts', unit_price: seconds === 0 ? 0 : round(fixedCents / seconds), cost: fixedCents }],
      combined_cost: fixedCents,
      total_duration_seconds: seconds,
      total_duration_unit_price: seconds === 0 ? 0 : round(fixedCents / seconds),
    };
  }
  if (seconds === 0) return { product_costs: [], combined_cost: 0, total_duration_seconds: 0, total_duration_unit_price: 0 };
  const products = PRODUCTS.map(([product, price]) => ({ product, unit_price: price, cost: round(price * seconds) }));
  return {
    product_costs: products,
    combined_cost: round(products.reduce((sum, product) => sum + product.cost, 0)),
    total_duration_seconds: seconds,
    total_duration_unit_price: round(PRODUCTS.reduce((sum, [, price]) => sum + price, 0)),
  };
}
