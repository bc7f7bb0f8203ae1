"""What a template says in CloudFormation's functions, put into words for this machine."""

import pytest

from local.template import AssemblyError, resolved


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("plain", "plain"),
        (900, "900"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::AccountId"}]]}, "a-000000000000"),
        ({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::b"]]}, "arn:aws:s3:::b"),
        ({"Fn::Sub": "b-${AWS::AccountId}-${AWS::Region}"}, "b-000000000000-us-east-1"),
    ],
)
def test_says_what_is_known_here(said, words):
    assert resolved(said) == words


@pytest.mark.parametrize(
    "said", [{"Ref": "Bucket"}, {"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Join": ["", [{"Ref": "x"}]]}, None, ["a"]]
)
def test_says_what_it_cannot_put_into_words(said):
    with pytest.raises(AssemblyError, match="which the local run cannot put into words"):
        resolved(said)
