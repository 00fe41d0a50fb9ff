/** What the name of a field says about its value. */

/**
 * - `secret`: a credential, or words of a call. Nothing of it is shown.
 * - `personal`: who the contact is, or what is said to them. Nothing of it is shown.
 * - `phone`: shown as `+56*****910`.
 * - `id`: a machine's identifier; its digits are not a phone number if it has the shape of one.
 * - `plain`: judged by its content alone.
 */
export type KeyKind = 'secret' | 'personal' | 'phone' | 'id' | 'plain';

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

const SECRET = words(`
  authorization proxyauthorization cookie setcookie apikey xapikey token accesstoken refreshtoken idtoken bearer password passwd pwd pass
  passphrase secret privatekey credential credentials signature xretellsignature webhookurl transcript transcriptobject transcriptwithtoolcalls
  scrubbedtranscriptwithtoolcalls callanalysis callsummary summary recordingurl recordingmultichannelurl scrubbedrecordingurl
  scrubbedrecordingmultichannelurl publiclogurl knowledgebaseretrievedcontentsurl`);

const SECRET_PARTS = ['apikey', 'password', 'passwd', 'secret', 'transcript', 'authorization', 'privatekey', 'accesstoken', 'credential'];

const PERSONAL = words(`
  name nombre nombres apellido apellidos firstname lastname middlename fullname contactname customername displayname rut rutfmt dni
  nationalid email correo contact payload additionalinfo variables dynamicvariables retellllmdynamicvariables collecteddynamicvariables
  customanalysisdata direccion deduplicationkey`);

const PHONE = words(`
  phone phones telephone telefono telefonos movil celular mobile landline number tonumber fromnumber fromnumbers phonenumber phonenumbers
  tophone fromphone tryphones lastphonetried rawmobile rawlandline mobilee164 landlinee164 beste164 e164 phoneused msisdn caller callee`);

/** Their names look secret; they are what a reader searches the log for. */
const ID = words(
  'leasetoken attemptid callid jobid batchid accountid agentid runnerid workerid worker runner runners locks lock workspace _id',
);

const cache = new Map<string, KeyKind>();
const CACHE_LIMIT = 5_000;

function judge(key: string): KeyKind {
  const flat = key.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  if (ID.has(flat)) return 'id';
  if (PERSONAL.has(flat)) return 'personal';
  if (PHONE.has(flat) || flat.endsWith('phone') || flat.endsWith('phonenumber')) return 'phone';
  if (SECRET.has(flat) || flat.endsWith('token') || SECRET_PARTS.some((part) => flat.includes(part))) return 'secret';
  if (flat.includes('dynamicvariables')) return 'personal';
  if (/(?:^|[^a-z])ids?$/.test(key) || /[a-z](?:Id|Ids|ID)$/.test(key)) return 'id';
  return 'plain';
}

export function kindOfKey(key: string): KeyKind {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const kind = judge(key.slice(0, 200));
  // Keys can come from documents; an unbounded cache of them would be a leak.
  if (cache.size < CACHE_LIMIT && key.length <= 200) cache.set(key, kind);
  return kind;
}

const UNITS = words(`
  ms millis milliseconds seconds secs sec minutes mins hours days usec micros bytes count total size at timestamp time duration cents usd
  cost amount balance pid port version seq sequence offset lag limit used held rate epoch`);

/** A large number under such a name is a measure or a moment, not a phone number. */
export function isMeasure(key: string): boolean {
  const last = key.match(/[A-Z]?[a-z0-9]+$|[A-Z]+$/)?.[0] ?? '';
  return UNITS.has(last.toLowerCase());
}
