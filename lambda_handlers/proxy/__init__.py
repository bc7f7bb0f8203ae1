"""The Lambda function between API Gateway and the models' endpoints, on SageMaker or on Lambda itself.

API Gateway has already routed, so four routes need no framework: the package imports the standard
library and botocore, which the Lambda runtime brings, and nothing else. docs/performance.md has the cost.
"""
