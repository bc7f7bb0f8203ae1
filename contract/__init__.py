"""What both ends of a request agree on: the errors, the limits and the accepted media types.

The model server, the Lambda proxy, the stacks and the local run all import this room, so it needs
nothing but the standard library and is copied as it is into the image and the Lambda package.
"""
