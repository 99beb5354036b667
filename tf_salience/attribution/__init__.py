"""The heart: methods, the path from baseline to input, and quadrature."""
