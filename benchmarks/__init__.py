"""What is measured, and how: models, calibration, and other tools side by side."""
