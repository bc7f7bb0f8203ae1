"""The process that clients talk to: HTTP, the places, the queue and the deadlines.

It imports neither an engine nor a decoder, so that no picture and no model can take it down:

    client --- Connection --- Exchange --- Invocation --- Pool === Channel === worker.py, the model's process
"""
