"""Batch scoring: every picture of a folder or of an S3 prefix, with its prediction or its error code, in one file."""
