/** The kinds of faults, apart from the code that makes them so that --help can name them without loading the simulator. */

/**
 * refuse           (a) the connection is reset and nothing was accepted
 * accept-drop      (b) accepted, then the connection is reset without a reply
 * accept-500       (c) accepted, then 500
 * accept-late      (d) accepted, answered after delayMs, by when the client should have given up
 * accept-truncate  (e) accepted, then half a body
 * status           that HTTP status, nothing accepted (429, 402, 503...)
 * slow             delayMs before the request is looked at; it is carried out even if the client has left by then
 * html502, empty500, not-json   what proxies answer; nothing accepted unless `accept` says so
 * outage           every request for forMs: reset, 503, or refused at the socket (which closes /_sim too, so that forMs must be said)
 */
export const FAULT_KINDS = [
  'refuse',
  'accept-drop',
  'accept-500',
  'accept-late',
  'accept-truncate',
  'status',
  'slow',
  'html502',
  'empty500',
  'not-json',
  'outage',
] as const;
