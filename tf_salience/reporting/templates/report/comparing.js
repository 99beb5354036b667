// How far apart two runs are on the same texts. Scores are shares: divided by the sum of their sizes.

import { targetOf } from "./data.js";
import { scoresOfWords } from "./words.js";

/** Compares two runs: `distance` and `isByWord`, (examples,), and `words`, a Map of {count, sum}. */
export class Comparison {
  constructor(first, second, target) {
    this.sides = [first, second].map((run) => ({ run, target: targetOf(run, target) }));
    const size = first.lengths.length;
    this.distance = new Float64Array(size);
    this.words = new Map();
    const ids = sameIds(first, second);
    for (let example = 0; example < size; example++) {
      this.distance[example] = this.haveSameTokens(example, ids)
        ? this.byToken(example)
        : this.byWord(example);
      this.addWords(example);
    }
  }

  /** Words by how much they moved in all, most first: [word, {count, sum}]. */
  moved(least) {
    return [...this.words]
      .filter(([, { count }]) => count >= least)
      .sort(([, a], [, b]) => Math.abs(b.sum) - Math.abs(a.sum));
  }

  /** The changes of the shares of an example's words, a Map. */
  changes(example) {
    const [before, after] = this.sides.map(({ run, target }) =>
      shares(scoresOfWords(run, target, example)),
    );
    const changes = new Map();
    for (const word of new Set([...before.keys(), ...after.keys()]))
      changes.set(word, (after.get(word) ?? 0) - (before.get(word) ?? 0));
    return changes;
  }

  haveSameTokens(example, ids) {
    const [a, b] = this.sides.map(({ run }) =>
      run.tokens.subarray(run.starts[example], run.starts[example + 1]),
    );
    return a.length === b.length && a.every((id, index) => ids[id] === b[index]);
  }

  byToken(example) {
    const [before, after] = this.sides.map(({ run, target }) => {
      const scores = target.scores.subarray(run.starts[example], run.starts[example + 1]);
      const sum = scores.reduce((all, score) => all + Math.abs(score), 0) || 1;
      return scores.map((score) => score / sum);
    });
    return before.reduce((sum, share, index) => sum + Math.abs(after[index] - share), 0);
  }

  byWord(example) {
    let sum = 0;
    for (const change of this.changes(example).values()) sum += Math.abs(change);
    return sum;
  }

  addWords(example) {
    for (const [word, change] of this.changes(example)) {
      const entry = this.words.get(word) ?? { count: 0, sum: 0 };
      entry.count += 1;
      entry.sum += change;
      this.words.set(word, entry);
    }
  }
}

/** The second vocabulary's id of each of the first's, -1 for none. */
function sameIds(first, second) {
  const ids = new Map(second.vocabulary.map((token, id) => [token, id]));
  return Int32Array.from(first.vocabulary, (token) => ids.get(token) ?? -1);
}

function shares(scores) {
  let sum = 0;
  for (const score of scores.values()) sum += Math.abs(score);
  return new Map([...scores].map(([word, score]) => [word, score / (sum || 1)]));
}
