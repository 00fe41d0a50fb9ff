/** What the columns of a table file can mean, and under which names people have them. */
import { OFFER_FIELDS } from '../domain/offer.js';

export const FIELDS = [
  'rut',
  'name',
  'company',
  'amount',
  'expiry',
  'days_late',
  'due_date',
  'max_date',
  'mobile',
  'landline',
  'phone',
  'reference',
  'timezone',
  ...OFFER_FIELDS,
] as const;

export type Field = (typeof FIELDS)[number];

/** Several columns of these are welcome; of all others there can be only one. */
export const MANY: readonly Field[] = ['mobile', 'landline', 'phone'];

/** In the spelling of `headerKey`. SpeechAI's own columns first; an exact name wins over one that merely contains it. */
export const ALIASES: Readonly<Record<Field, readonly string[]>> = {
  rut: ['ruts', 'rut', 'dni', 'cuit', 'cuil', 'documento', 'cedula', 'rutcliente', 'identificacion'],
  name: ['nombre', 'nombrecompleto', 'nombrecliente', 'name', 'contactname', 'cliente', 'nombres', 'razonsocial'],
  company: ['origenempresa', 'empresa', 'companyname', 'company', 'acreedor', 'mandante'],
  amount: ['saldoactualizado', 'debtamount', 'montototal', 'monto', 'deuda', 'saldo', 'amount', 'importe', 'debt'],
  expiry: ['fechavencimiento', 'vencimiento', 'fechadevencimiento', 'fechavto'],
  days_late: ['diasretraso', 'diasderetraso', 'diasatraso', 'diasdeatraso', 'retraso', 'atraso', 'mora', 'overduedays', 'diasvencidos'],
  due_date: ['fechalimite', 'duedate', 'fechapago'],
  max_date: ['fechamaxima', 'maxdate'],
  mobile: ['telefonomovil', 'telefonocelular', 'celular', 'movil', 'mobile', 'cell', 'mobilephone'],
  landline: ['telefonoresidencial', 'telefonofijo', 'residencial', 'fijo', 'landline', 'telefonocasa'],
  phone: ['phones', 'phone', 'phonenumber', 'telefono', 'telefonos', 'fono', 'tonumber', 'numero'],
  reference: ['referencenumber', 'reference', 'referencia', 'numerooperacion', 'operacion', 'contrato'],
  timezone: ['timezone', 'zonahoraria'],
  offer_description: ['offerdescription', 'descripcionoferta', 'oferta'],
  discount_percentage: ['discountpercentage', 'descuentoporcentaje', 'descuento'],
  product_category: ['productcategory', 'categoriaproducto'],
  customer_segment: ['customersegment', 'segmentocliente', 'segmento'],
  campaign_type: ['campaigntype', 'tipocampana'],
  call_to_action: ['calltoaction', 'llamadaaccion'],
  offer_value: ['offervalue', 'valoroferta'],
  offer_expires: ['offerexpires', 'ofertaexpira'],
};

/** Too short or too common to be looked for inside other names: `numero` is in `numero de cuotas`. */
export const EXACT_ONLY: ReadonlySet<string> = new Set([
  'numero',
  'name',
  'cell',
  'debt',
  'fijo',
  'mora',
  'phone',
  'amount',
  'cliente',
  'operacion',
  'oferta',
  'contrato',
  'saldo',
  'company',
]);

/** `Teléfono móvil`, `telefono_movil` and `TELEFONO-MOVIL` are one name. */
export function headerKey(header: string): string {
  return header
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
