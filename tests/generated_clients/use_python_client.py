"""Submits a job and waits for its end, with the client that openapi-python-client has generated."""

import json
import os
import time

from prune_serve_client import AuthenticatedClient
from prune_serve_client.api.jobs import get_job, submit_job
from prune_serve_client.models import JobDetail, JobRequest

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["KEY"])
job = submit_job.sync(client=client, body=JobRequest.from_dict(json.loads(os.environ["JOB"])))
assert isinstance(job, JobDetail), job
while job.state not in ("succeeded", "failed", "cancelled"):
    time.sleep(0.2)
    read = get_job.sync(job.id, client=client)
    assert isinstance(read, JobDetail), read
    job = read
again = submit_job.sync_detailed(client=client, body=JobRequest.from_dict(job.spec.to_dict()))
assert job.perplexity
print(json.dumps({"state": job.state, "pruned": job.perplexity.pruned, "again": again.status_code}))
