"""What the commands and benchmarks share: splits, degradations, evaluation."""
