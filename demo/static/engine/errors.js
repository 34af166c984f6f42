// The error of an input that cannot be used: its message is one sentence that can be shown to a visitor.

export class InputError extends Error {
  name = "InputError";
}

// Return a text in quotes, as Python's repr writes it.
export function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", [quote]: `\\${quote}` };
  return quote + [...text].map((character) => escapes[character] ?? character).join("") + quote;
}
