"""Training the agent, and the gate before it is used."""
