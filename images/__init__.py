"""The container images, built on this machine from the very assets that `cdk deploy` would build and push."""
