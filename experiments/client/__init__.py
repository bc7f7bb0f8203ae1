"""The client of every experiment: calls of the API, each timed hop by hop, from clients that wait or on a schedule."""
