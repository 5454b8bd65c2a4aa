"""Schedules: one for each refresh class, in the city's time zone.

They are off until an operator switches them on (once: Dagster remembers it in the state folder). Opening the UI must not
begin to collect data.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets.jobs import Job

# Irregular datasets have no schedule: their drops are seen by the sensor. Odd minutes, away from everybody else's full hour.
CRON: Mapping[str, str] = {
    "hourly": "7 * * * *", "daily": "35 5 * * *", "weekly": "35 4 * * 1", "monthly": "35 3 2 * *", "quarterly": "35 2 3 1,4,7,10 *",
    "yearly": "35 1 5 1 *",
}


def schedules(jobs: Mapping[str, Job], zone: str) -> list[dg.ScheduleDefinition]:
    """A schedule for every class that has datasets; `jobs` by refresh class."""
    return [
        dg.ScheduleDefinition(
            name=refresh, job=job, cron_schedule=CRON[refresh], execution_timezone=zone,
            description=f"{job.description} Off until an operator switches it on.",
            default_status=dg.DefaultScheduleStatus.STOPPED,
        )
        for refresh, job in jobs.items() if refresh in CRON
    ]
