/** A value as a CSV file holds it, so that a spreadsheet shows it and runs nothing. */

/** Telephone numbers begin with + and are no formula. */
const PHONE = /^\+[\d\s().-]{6,24}(?:; \+[\d\s().-]{6,24})*$/;

/** What looks like a formula gets an apostrophe, which an import takes away again. */
export function csvCell(text: string, delimiter = ','): string {
  const harmless = /^[\s]*[=+\-@\t\r|%]/.test(text) && !PHONE.test(text) ? `'${text}` : text;
  return /["\r\n']/.test(harmless) || harmless.includes(delimiter) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
