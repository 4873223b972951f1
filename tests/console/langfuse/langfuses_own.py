"""Langfuse's own client, on what we read and write: run by an interpreter that has it.

langfuses_own.py observations FILE     prints how many observations of a page of API v2 its models read
langfuses_own.py scores URL            sends the scores on standard input, and prints what it is answered
"""

import json
import sys
from pathlib import Path

from langfuse.api import LangfuseAPI
from langfuse.api.core.pydantic_utilities import parse_obj_as
from langfuse.api.observations.types import ObservationsV2Response
from langfuse.api.scores.types import CreateScoreRequest


def observations(path: str) -> int:
    return len(parse_obj_as(ObservationsV2Response, json.loads(Path(path).read_text())).data)


def scores(url: str) -> str:
    client = LangfuseAPI(base_url=url, username="pk-lf-1", password="sk-lf-1")
    given = [parse_obj_as(CreateScoreRequest, one) for one in json.load(sys.stdin)]
    assert not any(one.model_extra for one in given), "a field that is none of the API's"
    return type(client.scores.create(request=given)).__name__


if __name__ == "__main__":
    print({"observations": observations, "scores": scores}[sys.argv[1]](sys.argv[2]))  # noqa: T201
