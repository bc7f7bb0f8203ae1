"""The AWS side of Fovea: stacks wire, `constructs/` build.

One stack for each model and one for the API. They know each other only by endpoint names, which
are plain strings, so any stack deploys, rolls back and goes away alone.
"""
