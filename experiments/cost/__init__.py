"""What a stage costs a month, by a dated price table: each endpoint at given rates, and where kinds overtake others."""
