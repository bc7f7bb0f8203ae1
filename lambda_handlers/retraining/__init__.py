"""What the state machine of a model's training asks Python to do: a function each, of one package.

The package is this code, the contract, what synth says of the model (retraining.json) and a sample to send. An error
ends in the state machine, which reads it as its reason: the message is for the person whom the topic tells.
"""
