"""What `cdk deploy` has done to the page: CloudFormation calls it, and nobody else.

Its package is this code and the page's files; botocore comes with the runtime.
"""
