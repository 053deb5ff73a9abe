"""Photographs by HTTP: one thread owns the device, and answers what was written."""
