// Words of the examples and their salience.

/** The salience of a word in each example, NaN where it does not stand: (examples,). */
export function wordSalience(run, target, word) {
  const salience = new Float64Array(run.lengths.length).fill(NaN);
  const id = run.vocabulary.indexOf(word);
  if (id < 0) return salience;
  for (let example = 0; example < run.lengths.length; example++) {
    for (let token = run.starts[example]; token < run.starts[example + 1]; token++) {
      if (run.wordStarts[token] === id) {
        const score = wordScore(run, target, example, token);
        salience[example] = (Number.isNaN(salience[example]) ? 0 : salience[example]) + score;
      }
    }
  }
  return salience;
}

/** The summed scores of the word that begins at a token. */
function wordScore(run, target, example, token) {
  let sum = target ? target.scores[token] : 0;
  if (!run.words || !target) return sum;
  for (let next = token + 1; next < run.starts[example + 1]; next++) {
    if (run.words[next] !== run.words[token]) break;
    sum += target.scores[next];
  }
  return sum;
}

/** The words of an example with their scores: a Map. */
export function scoresOfWords(run, target, example) {
  const scores = new Map();
  for (let token = run.starts[example]; token < run.starts[example + 1]; token++) {
    const id = run.wordStarts[token];
    if (id < 0) continue;
    const word = run.vocabulary[id];
    scores.set(word, (scores.get(word) ?? 0) + wordScore(run, target, example, token));
  }
  return scores;
}
