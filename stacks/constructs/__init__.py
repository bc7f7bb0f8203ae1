"""What the stacks are made of: each construct builds one thing and says what it offers.

Resources are plain `CfnResource`s, with CloudFormation's own names for their properties: nothing is in a
template that a line here did not ask for. CDK's typed classes would cost some 0.4 s of each `cdk synth`: their
Python modules are megabytes, their JavaScript is loaded on first use. What they check of names and types, and
more, the tests check against CloudFormation's schemas.
"""
