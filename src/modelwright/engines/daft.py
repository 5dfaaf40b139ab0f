"""Daft, by verbs: read, map, collect, SQL. Each verb holds the cure of a trap.

Memory is bounded by rule: texts pass through `read` and `map_batches` only. No verb has a result that depends on order,
on the number of threads or on the runner. Narrow tables are joined, grouped and sorted in Arrow, where they lie: a
query costs more than that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core import libraries
from modelwright.core.errors import ModelwrightError

if TYPE_CHECKING:
    import pyarrow as pa

Kernel = Callable[["pa.RecordBatch"], "pa.RecordBatch"]
Task = Callable[[], Iterable["pa.RecordBatch"]]

_started = False
_failures: list[ModelwrightError] = []


def start(workers: int | None = None) -> Any:
    """Import Daft with telemetry and progress bar off, the native runner on `workers` threads, memory bounded.

    The first call of a process decides the number of threads. Returns the module.
    """
    global _started
    libraries.settle()
    import daft

    if not _started:
        daft.set_runner_native(num_threads=workers)
        # Measured on 3 GB: 3.7 GB of memory with the defaults, 0.7-1.3 GB with both of these, and faster.
        daft.context.set_execution_config(scantask_max_parallel=1, default_morsel_size=2048)
        _started = True
    return daft


def read(tasks: Sequence[Task], schema: pa.Schema) -> Any:
    """A lazy frame over `tasks`; each is called once, where it runs, and yields Arrow batches of `schema`.

    A task bounds its batches in bytes, which Daft itself cannot: its morsels count rows.
    """
    daft = start()
    from daft.io.source import DataSource, DataSourceTask
    from daft.recordbatch import RecordBatch

    frame_schema = daft.Schema.from_pyarrow_schema(schema)

    class ReadTask(DataSourceTask):  # type: ignore[misc]
        def __init__(self, task: Task) -> None:
            self.task = task

        @property
        def schema(self) -> Any:
            return frame_schema

        async def read(self) -> AsyncIterator[Any]:
            try:
                for batch in self.task():
                    yield RecordBatch.from_pydict(_series(batch.select(schema.names)))
            except ModelwrightError as error:
                _failures.append(error)  # Daft passes on its text alone
                raise

    class Tasks(DataSource):  # type: ignore[misc]
        @property
        def name(self) -> str:
            return "tasks"

        @property
        def schema(self) -> Any:
            return frame_schema

        async def get_tasks(self, pushdowns: Any) -> AsyncIterator[Any]:
            for task in tasks:
                yield ReadTask(task)

    return Tasks().read()


def _series(batch: pa.RecordBatch) -> dict[str, Any]:
    """Columns one by one: columns imported together share one owner, and one small column keeps every text alive."""
    daft = start()
    return {name: daft.Series.from_arrow(batch.column(name), name) for name in batch.schema.names}


def from_arrow(table: pa.Table) -> Any:
    """A frame over a narrow table."""
    return start().from_arrow(table)


def map_batches(frame: Any, kernel: Kernel, inputs: Sequence[str], outputs: pa.Schema, keep: Sequence[str] = ()) -> Any:
    """Apply `kernel` to batches of the columns `inputs`; the result has the columns `keep` and those of `outputs`.

    A kernel that returns another number of rows, or other columns, raises ValueError: Daft would repeat a single row
    for all, without a word.
    """
    daft = start()
    import pyarrow as pa

    dtype = daft.DataType.struct({field.name: daft.DataType.from_arrow_type(field.type) for field in outputs})

    @daft.func.batch(return_dtype=dtype, unnest=True, use_process=False)  # type: ignore[untyped-decorator,unused-ignore]
    def apply(*columns: Any) -> Any:
        arrays = [_whole(column.to_arrow()) for column in columns]
        fields = _applied(kernel, pa.RecordBatch.from_arrays(arrays, names=list(inputs)), outputs)
        return pa.StructArray.from_arrays(fields, fields=list(outputs))

    return frame.select(*keep, apply(*(daft.col(name) for name in inputs)))


def _applied(kernel: Kernel, batch: pa.RecordBatch, outputs: pa.Schema) -> list[Any]:
    """The columns `outputs` of what a kernel makes of a batch."""
    result = kernel(batch)
    if result.num_rows != batch.num_rows:
        raise ValueError(f"a kernel made {result.num_rows} rows of {batch.num_rows}")
    return [result.column(field.name).cast(field.type) for field in outputs]


def collect_tasks(tasks: Sequence[Task], schema: pa.Schema) -> pa.Table:
    """The rows of `tasks` as one table of `schema`. A single task runs here: a query would cost more than a few
    texts."""
    import pyarrow as pa

    if len(tasks) > 1:
        return collect(read(tasks, schema), schema)
    return pa.Table.from_batches([batch.select(schema.names) for task in tasks for batch in task()], schema)


def map_tasks(
    tasks: Sequence[Task], schema: pa.Schema, kernel: Kernel, inputs: Sequence[str], outputs: pa.Schema,
    keep: Sequence[str] = (),
) -> pa.Table:  # fmt: skip
    """`map_batches` over the batches of `tasks`, which are of `schema`, as one table; a single task runs here."""
    import pyarrow as pa

    wanted = pa.schema([*(schema.field(name) for name in keep), *outputs])
    if len(tasks) > 1:
        return collect(map_batches(read(tasks, schema), kernel, inputs, outputs, keep), wanted)
    tables = [wanted.empty_table()]
    for batch in (batch for task in tasks for batch in task()):
        kept = [batch.column(name) for name in keep]
        tables.append(pa.Table.from_arrays([*kept, *_applied(kernel, batch.select(inputs), outputs)], schema=wanted))
    return pa.concat_tables(tables)


def _whole(array: Any) -> pa.Array:
    import pyarrow as pa

    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def collect(frame: Any, schema: pa.Schema | None = None) -> pa.Table:
    """Run the plan; the rows as one Arrow table, cast to `schema`. For narrow columns: nothing limits its memory.

    An error of ours that a task or a kernel raised comes out as it was.
    """
    _failures.clear()
    try:
        table = frame.to_arrow()
    except Exception as error:
        if _failures:
            raise _failures[0] from error
        raise
    return table.select(schema.names).cast(schema) if schema is not None else table


def sql(query: str, **frames: Any) -> Any:
    """Daft's SQL over the named frames and nothing of the caller's variables."""
    return start().sql(query, register_globals=False, **frames)
