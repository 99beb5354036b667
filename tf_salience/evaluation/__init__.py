"""`evaluate`: whether explanations are faithful, plausible, and notice what the model learnt."""
