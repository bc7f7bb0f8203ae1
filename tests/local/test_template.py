"""What a template says in CloudFormation's functions, put into words for this machine."""

import pytest

from local.template import AssemblyError, decided, resolved


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


TEMPLATE = {
    "Parameters": {"Archive": {"Type": "String", "Default": "none"}, "Other": {"Type": "String"}},
    "Conditions": {"Given": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Archive"}, "none"]}]}},
    "Resources": {"M": {"Urls": [{"Fn::If": ["Given", {"Ref": "Archive"}, {"Ref": "Bucket"}]}, {"Ref": "Other"}]}},
}


def test_a_parameter_decides_what_a_condition_chooses():
    assert decided(TEMPLATE, {})["M"]["Urls"] == [{"Ref": "Bucket"}, {"Ref": "Other"}]
    assert decided(TEMPLATE, {"Archive": "a"})["M"]["Urls"] == ["a", {"Ref": "Other"}]
    with pytest.raises(AssemblyError, match="the template has no parameter Archives"):
        decided(TEMPLATE, {"Archives": "a"})
    unknown = {**TEMPLATE, "Conditions": {"Given": {"Fn::Or": []}}}
    with pytest.raises(AssemblyError, match="which the local run cannot decide"):
        decided(unknown, {})
