// The parts of an example that are drawn with a score: its pieces or words, over its own text.

import { sameWord } from "./data.js";

/**
 * Lists the parts of an example.
 *
 * A part has `text`, the `gap` of text before it, its tokens `start` to `stop` within the example,
 * `segment`, the name of the segment that it opens, and `isSpecial`, `isPiece` (of a word that goes on).
 *
 * @param {object} run
 * @param {number} example
 * @param {?string} text of the example, where it is known.
 * @param {string} unit "pieces" or "words".
 * @param {number} most parts that are listed, the first ones.
 */
export function partsOf(run, example, text, unit, most = Infinity) {
  const from = run.starts[example];
  const length = run.starts[example + 1] - from;
  const words = run.words?.subarray(from, from + length) ?? null;
  const offsets = text !== null && run.offsets ? run.offsets.subarray(2 * from) : null;
  const layout = new Layout(text, offsets);
  const segments = segmentStarts(run.segments?.[example], length);
  for (let start = 0; start < length && layout.parts.length < most;) {
    let stop = start + 1;
    while (unit === "words" && words && stop < length && sameWord(words, stop - 1)) stop++;
    const part = {
      start,
      stop,
      text: ownText(run, from, start, stop, unit),
      segment: segments.get(start) ?? null,
      isSpecial: words !== null && words[start] < 0,
      isPiece: words !== null && start > 0 && sameWord(words, start - 1),
    };
    layout.add(part);
    start = stop;
  }
  return layout.finish();
}

/** Adds up the scores of each part. */
export function scoresOfParts(parts, scores) {
  return parts.map(({ start, stop }) => {
    let sum = 0;
    for (let token = start; token < stop; token++) sum += scores[token] ?? 0;
    return sum;
  });
}

/** Lays parts over the text: what lies between them is a gap, what overlaps is one part. */
class Layout {
  constructor(text, offsets) {
    this.parts = [];
    this.text = text;
    this.offsets = offsets;
    this.cursor = 0;
    this.apart = null; // the first part since the last that is in the text
    this.isBoundary = text === null ? null : boundaries(text);
  }

  add(part) {
    const [start, stop] = this.place(part);
    const last = this.parts.at(-1);
    if (start < 0) {
      // Not in the text: a special token, or a text that nothing is known of.
      part.gap = !last || part.isPiece ? "" : " ";
      this.parts.push(part);
      this.apart ??= part;
      return;
    }
    if (last?.place !== undefined && (start < this.cursor || !this.isBoundary(start))) {
      last.stop = part.stop;
      this.cursor = Math.max(this.cursor, stop);
      last.text = this.text.slice(last.place, this.cursor);
      return;
    }
    part.gap = this.fillGap(this.text.slice(this.cursor, Math.max(start, this.cursor)));
    part.place = Math.max(start, this.cursor);
    part.text = this.text.slice(part.place, stop);
    this.cursor = Math.max(this.cursor, stop);
    this.parts.push(part);
  }

  /** The first and last offset of a part's tokens, -1 where they have none. */
  place({ start, stop }) {
    if (!this.offsets) return [-1, -1];
    let [first, last] = [-1, -1];
    for (let token = start; token < stop; token++) {
      if (this.offsets[2 * token] < 0) continue;
      if (first < 0) first = this.offsets[2 * token];
      last = this.offsets[2 * token + 1];
    }
    return [first, last];
  }

  /** Text between parts stands before the special tokens there: "film! [SEP] It". */
  fillGap(gap) {
    if (!this.apart) return gap;
    const rest = gap.trim();
    if (rest || this.parts[0] === this.apart) this.apart.gap = rest ? `${gap.trimEnd()} ` : "";
    this.apart = null;
    return " ";
  }

  finish() {
    const tail = this.cursor ? this.fillGap(this.text.slice(this.cursor)) : "";
    return { parts: this.parts, tail: tail.trimEnd() };
  }
}

/** The name of the segment that begins at a token; one segment alone is not named. */
function segmentStarts(segments, length) {
  const filled = (segments ?? []).filter(([, start, stop]) => start < stop && start < length);
  return new Map(filled.length > 1 ? filled.map(([name, start]) => [start, name]) : []);
}

function ownText(run, from, start, stop, unit) {
  const spelled = unit === "words" && run.spellings ? run.spellings[from + start] : -1;
  if (spelled >= 0) return run.vocabulary[spelled];
  let text = "";
  for (let token = start; token < stop; token++) text += run.vocabulary[run.tokens[from + token]];
  return text;
}

const PLAIN = /^[\x00-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u3000-\u3098\u309b-\u9fff]*$/;

/** Says whether a place in the text is between two characters that a reader sees. */
function boundaries(text) {
  if (PLAIN.test(text)) return () => true;
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const characters = segmenter.segment(text);
  return (place) => place >= text.length || characters.containing(place).index === place;
}
