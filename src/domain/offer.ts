/** What a marketing campaign may say of its offer: columns of an import, and variables of a call. */
export const OFFER_FIELDS = [
  'offer_description',
  'discount_percentage',
  'product_category',
  'customer_segment',
  'campaign_type',
  'call_to_action',
  'offer_value',
  'offer_expires',
] as const;
