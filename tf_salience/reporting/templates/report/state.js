// The state of the page: all of it stands in the address, so that a view can be linked.

const DEFAULTS = {
  view: "overview",
  run: 0, // whose outputs and salience the list shows
  target: 0,
  q: "", // of the search
  sort: "", // "column" or "-column"
  wrong: false,
  unconverged: false,
  class: -1, // of the prediction
  label: -1,
  word: "",
  example: -1,
  a: 0, // the runs that are compared
  b: 1,
  difference: false, // the difference of the two stands beside them
  unit: "words",
  numbers: false,
  theme: "",
};

const KINDS = {
  number: (text, fallback) => (/^-?\d{1,9}$/.test(text) ? Number(text) : fallback),
  boolean: (text) => text === "1",
  string: (text) => text,
};

/** Reads the state from the address; what cannot be read is left at its default. */
export function readState() {
  const fields = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [
      name,
      fields.has(name) ? KINDS[typeof value](fields.get(name), value) : value,
    ]),
  );
}

/** The address, from "#" on, of the state with changes. */
export function address(changes) {
  const state = { ...readState(), ...changes };
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (state[name] !== value) fields.set(name, state[name] === true ? "1" : state[name]);
  }
  return `#${fields}`;
}

/** Goes to the state with changes; the browser's button goes back to the one before. */
export function go(changes) {
  location.hash = address(changes);
}

/** As `go`, in place of the present entry of the history: for each letter of a search. */
export function replace(changes) {
  location.replace(address(changes) === "#" ? "#view=overview" : address(changes));
}
