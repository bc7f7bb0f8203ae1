"""What the runs of one folder say: plots, one page, and the endpoint to choose for a traffic and a latency target."""
