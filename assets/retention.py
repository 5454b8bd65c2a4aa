"""The daily erasure of what is over its time: `citylake retain` as a job of its own. What is erased stands in pipelines/erasure.py."""

import dagster as dg

RETAIN, CRON = "retain", "25 4 * * *"


def retain_job() -> dg.JobDefinition:
    """One op, no asset: erasing makes nothing that is not made by the ordinary steps. No `from __future__`: Dagster reads the annotation."""

    @dg.op(name="erase_overdue", required_resource_keys={"way"}, description="Erases the batches that are over the time of their collection rule.")
    def erase(context: dg.OpExecutionContext) -> None:
        from pipelines.steps.retain import retain

        outcomes = retain(context.resources.way)
        for item in outcomes:
            context.log.info(f"{item.dataset} {item.step} {item.target} {item.outcome}")
        failed = [item for item in outcomes if item.outcome == "failed"]
        if failed:
            raise dg.Failure(f"{len(failed)} steps failed; see `citylake retain`.", allow_retries=False)

    @dg.job(name=RETAIN, executor_def=dg.in_process_executor, description="留存期满数据清除 · Erasure of what is over its time.")
    def retention() -> None:
        erase()

    return retention


def retain_schedule(job: dg.JobDefinition, zone: str) -> dg.ScheduleDefinition:
    """Daily. Off until an operator switches it on, like every schedule."""
    return dg.ScheduleDefinition(name=RETAIN, job=job, cron_schedule=CRON, execution_timezone=zone,
                                 description="Erases daily what is over its time. Off until an operator switches it on.",
                                 default_status=dg.DefaultScheduleStatus.STOPPED)
