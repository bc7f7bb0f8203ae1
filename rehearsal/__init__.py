"""A deployment without an account: the real CDK command against moto's server, on this machine."""
