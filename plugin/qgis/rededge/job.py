# SPDX-License-Identifier: GPL-2.0-or-later
"""A job on the server: started, followed, and dismissed when the user cancels."""

import time

from .client import Client, ServerError

#: Seconds between two looks at a job: short at first, longer for long jobs.
FIRST, LONGEST = 0.25, 3.0
#: Looks that may fail in a row before a job counts as lost.
PATIENCE = 10
OVER = ("successful", "failed", "dismissed")


class JobError(Exception):
    """The job ended without results; the input at fault where there is one."""

    def __init__(self, message, faulty=None):
        super().__init__(message)
        self.faulty = faulty


class Job:
    """One job. ``feedback`` hears its progress, its messages and its log."""

    def __init__(self, server, feedback):
        self.client = Client(server, feedback)
        self.feedback = feedback
        self.url = ""
        self.lines = 0
        self.step = ""

    def start(self, process, request):
        """Hands a request to the server."""
        path = f"/processes/{process}/execution"
        answer = self.client.post(path, request, prefer="respond-async")
        told = answer.json()
        self.url = answer.location or self.client.address(f"/jobs/{told['jobID']}")
        self.feedback.pushInfo(f"job {self.url}")

    def follow(self):
        """Waits for the end. Returns whether there are results: there are none where the user
        cancelled.

        :raises JobError: the job failed, or somebody else dismissed it.
        :raises ServerError: the server is gone.
        """
        pause, failures = FIRST, 0
        while not self.feedback.isCanceled():
            try:
                told = self.client.get(self.url).json()
                self.hear(told)
                failures = 0
            except ServerError as error:
                failures += 1
                if error.status or self.feedback.isCanceled():
                    if self.feedback.isCanceled():
                        break
                    raise
                if failures >= PATIENCE:
                    raise ServerError(f"{error} The job may still run: {self.url}") from error
                self.feedback.pushWarning(f"{error} Trying again.")
            else:
                if told.get("status") in OVER:
                    return self.end(told)
            self.wait(pause)
            pause = min(pause * 1.3, LONGEST)
        self.dismiss()
        return False

    def hear(self, told):
        """Passes on what a status and the log say."""
        if told.get("progress") is not None:
            self.feedback.setProgress(told["progress"])
        message = told.get("message") or told.get("status", "")
        if message != self.step:
            self.step = message
            self.feedback.setProgressText(message)
        for line in self.client.get(f"{self.url}/log?from={self.lines}").json().get("lines", []):
            self.lines = line["number"] + 1
            self.feedback.pushInfo(line["text"])

    def wait(self, seconds):
        """Waits, and stops waiting when the user cancels."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.feedback.isCanceled():
            time.sleep(0.05)

    def end(self, told):
        """Whether the job ended well.

        :raises JobError: it did not.
        """
        if told["status"] == "successful":
            return True
        problem = told.get("exception") or {}
        why = problem.get("detail") or told.get("message") or told["status"]
        raise JobError(f"the job {told['status']}: {why}", problem.get("input"))

    def dismiss(self):
        """Stops the job on the server."""
        try:
            self.client.delete(self.url)
            self.feedback.pushInfo("the job was dismissed on the server")
        except ServerError as error:
            self.feedback.pushWarning(f"the job could not be dismissed: {error}")

    def results(self):
        """The document of results."""
        return self.client.get(f"{self.url}/results").json()
