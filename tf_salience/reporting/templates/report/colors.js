// Classes of the colour scale, as tf_salience.visualization gives them to the page's style.

const LEVELS = 10;

/** The class of a score: p1 to p10 for, n1 to n10 against, u1 to u10 without a sign. */
export function levelClass(score, largest, signed = true) {
  const relative = largest > 0 ? Math.min(Math.max(score / largest, -1), 1) : 0;
  const level = Math.round(LEVELS * relative);
  if (!level) return "";
  return (signed ? (level > 0 ? "p" : "n") : "u") + Math.abs(level);
}

/** The largest |score|. */
export function largestOf(scores) {
  let largest = 0;
  for (const score of scores) if (Math.abs(score) > largest) largest = Math.abs(score);
  return largest;
}
