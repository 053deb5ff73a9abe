"""Relative poses by regression (RPE-PAD): views, network, losses, training."""
