// Numbers as text.

const MINUS = "−";

/** Two to four significant digits: 0.012, 0.345, 12.3, 1.2e-7. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size === 0) return "0";
  const text = size >= 1e6 || size < 1e-4 ? size.toExponential(1) : trimmed(size);
  return (value < 0 ? MINUS : "") + text.replace("-", MINUS);
}

/** As `number`, with a sign. */
export function signedNumber(value) {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** A share as a percentage. */
export function percent(share) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–";
}

/** A count, its thousands apart. */
export function count(value) {
  return value.toLocaleString("en");
}

function trimmed(size) {
  if (size < 0.1) return size.toPrecision(2);
  return size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
