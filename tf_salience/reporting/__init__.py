"""One page of HTML with explanations, their words, and how right they are."""
