"""Isolated signs from landmarks of the body and the hands: SPOTER, and what turns a clip into its input."""
