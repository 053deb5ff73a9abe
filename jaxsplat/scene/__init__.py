"""The record of a scene, its starts and its files."""
