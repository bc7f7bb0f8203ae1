"""How fast an endpoint answers: cold, warm and under load, hop by hop, into a CSV and a JSON."""
